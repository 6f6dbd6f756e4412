/* Stands in for slmctl.exe: writes its command line beside itself, says something, and ends as SLMCTL_STANDIN says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

int main(void) {
  wchar_t path[MAX_PATH * 4];
  const char *how = getenv("SLMCTL_STANDIN");
  FILE *record;
  int c;
  GetModuleFileNameW(NULL, path, MAX_PATH * 4 - 16);
  wcscat(path, L".calls");
  record = _wfopen(path, L"ab");
  if (!record) return 90;
  fwrite(GetCommandLineW(), sizeof(wchar_t), wcslen(GetCommandLineW()), record);
  fwrite(L"\n", sizeof(wchar_t), 1, record);
  fclose(record);
  puts("a line on standard output");
  fputs("a line on standard error\n", stderr);
  /* Standard input must be at its end, so that no question can wait for an answer. */
  c = getchar();
  if (c != EOF) return 91;
  fflush(stdout);
  if (how && strcmp(how, "slow") == 0) Sleep(20000);
  if (how && strcmp(how, "crash") == 0) abort();
  return how ? atoi(how) : 0;
}

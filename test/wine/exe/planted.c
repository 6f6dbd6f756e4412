/* A library that somebody else put there: whoever loads it leaves a mark. Nothing else happens. */
#include <windows.h>

BOOL WINAPI DllMain(HINSTANCE self, DWORD reason, void *reserved) {
  (void)self, (void)reserved;
  char path[512];
  if (reason == DLL_PROCESS_ATTACH && GetEnvironmentVariableA("SLMCTL_TEST_MARK", path, sizeof path) > 0)
    CloseHandle(CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
  return TRUE;
}

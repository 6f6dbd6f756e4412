/** Where slmctl.exe and its site file stand on the machine: only administrators can write there. */
export const programFolder = '%ProgramFiles%\\slmctl'

/** How long setup is kept waiting: a KMS host that does not answer is given up long before. */
const waitSeconds = 600

/**
 * What Windows Setup runs at its end. Nothing in it comes from the site file or the command line, so that nothing needs quoting but
 * the paths that Windows itself sets. slmctl is waited for, never ended: what it began it finishes, with its journal.
 */
export function setupCompleteCmd(): string {
  return [
    '@echo off',
    'rem Activates this machine against the KMS hosts of its own organisation.',
    'rem Windows Setup runs it once, as the local system, and goes on whatever it says.',
    'rem slmctl.yaml beside slmctl.exe says which hosts, domains and networks are ours;',
    'rem on a machine that stands outside of them slmctl asks and changes nothing.',
    'setlocal EnableExtensions DisableDelayedExpansion',
    // The second time the same file, with what the first one found.
    'if "%~1"=="run" goto run',
    `set "SLMCTL_EXE=${programFolder}\\slmctl.exe"`,
    `set "SLMCTL_SITE=${programFolder}\\slmctl.yaml"`,
    'set "SLMCTL_LOG=%~dp0slmctl.log"',
    'set "SLMCTL_DONE=%~dp0slmctl.done"',
    'if not exist "%SLMCTL_EXE%" goto missing',
    'if not exist "%SLMCTL_SITE%" goto missing',
    'del "%SLMCTL_DONE%" >nul 2>&1',
    // From its own folder by its own name: no path goes through the quotes of two programs.
    'pushd "%~dp0"',
    'start "" /b "%ComSpec%" /d /c .\\%~nx0 run',
    'popd',
    'set "SLMCTL_WAITED=0"',
    ':wait',
    'if exist "%SLMCTL_DONE%" goto done',
    `if %SLMCTL_WAITED% geq ${waitSeconds} goto late`,
    'set /a SLMCTL_WAITED+=1 >nul',
    '"%SystemRoot%\\System32\\ping.exe" -n 2 127.0.0.1 >nul 2>&1',
    'goto wait',
    ':run',
    '"%SLMCTL_EXE%" apply . --yes --inside-site --site "%SLMCTL_SITE%" <nul >>"%SLMCTL_LOG%" 2>&1',
    'echo slmctl ended with %ERRORLEVEL% >>"%SLMCTL_LOG%"',
    'echo done >"%SLMCTL_DONE%"',
    'exit /b 0',
    ':done',
    'del "%SLMCTL_DONE%" >nul 2>&1',
    'exit /b 0',
    ':missing',
    'echo slmctl.exe or slmctl.yaml is missing; nothing was done >>"%SLMCTL_LOG%"',
    'exit /b 0',
    ':late',
    // The log is slmctl's as long as it runs; nobody else can write to it.
    `echo slmctl still runs after ${waitSeconds} seconds; setup goes on >"%~dp0slmctl-late.log"`,
    'exit /b 0',
    '',
  ].join('\r\n')
}

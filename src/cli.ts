/** The command line: arguments to a command of the table, its answer to the terminal or to JSON, exit code 0, 1 or 2. */
export { main } from './cli/main.ts'

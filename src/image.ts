/**
 * Files for the unattended setup of an organisation's own images: the answer file's part, SetupComplete.cmd with a reduced site
 * file, and the configuration of the Office Deployment Tool. Only texts are made here; who writes them is the command.
 */
export { type ImageFile, type ImageFiles, type ImageWish, imageFiles } from './image/files.ts'
export { architectures } from './image/unattend.ts'

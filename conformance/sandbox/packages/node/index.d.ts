/** Where the program of the sandbox carrier lies. Throws if that of this platform is not installed. */
export function program(): string;

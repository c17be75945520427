/** Turns off zod's compiled checks: compiling takes longer than checking one message, and needs `eval`. */
import * as z from 'zod';

// Work at import, for once: the SDK's schemas are made when it is imported, and ask for this then.
z.config({ jitless: true });

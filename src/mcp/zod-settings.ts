/** Turns off zod's compiled checks: compiling takes longer than checking one message, and needs `eval`. */
import * as z from 'zod';

// Runs at import, as an exception: the SDK's schemas are made when it is imported, and ask for this then.
z.config({ jitless: true });

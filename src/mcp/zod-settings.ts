/** How does zod check what comes in? Without compiled checks: compiling them takes longer than a message, and needs `eval`. */
import * as z from 'zod';

// Work at import, for once: the SDK's schemas are made when it is imported, and ask for this then.
z.config({ jitless: true });

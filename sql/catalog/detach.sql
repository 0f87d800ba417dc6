-- purpose: close a catalogue file; what comes after is of the connection again
USE memory;
DETACH catalogue;

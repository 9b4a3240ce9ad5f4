// Package confined parses PACs, clients' tokens and LDAP messages in a child process without rights. The child runs the
// same program, as another user if it can, without capabilities, and with a filter of system calls: it can read its
// requests, write its answers and use memory, and the host's kernel kills it if it tries to open a file, to connect, to
// start a program or to touch another process. The parent compares each PAC's answer with the signed bytes before it
// believes it (K-89, K-90). A token's answer only says where the client's encrypted parts are (K-91). An LDAP message's
// answer must give the message's bytes when it is encoded again (D-39).
//
// Importing the package makes a program able to be that child: its init function serves and exits if the program was
// started as one.
package confined

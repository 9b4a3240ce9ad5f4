// Package lpc is ports: a server's connection port, and for each client a pair
// of communication ports with the requests between them and the client context
// that the server may impersonate.
//
//	client, out := server.Connect(thread, sqos, nil) // waits to be accepted
//	comm := server.Accept()
//	id, st := client.Request(thread, data)          // the thread now waits for its reply
//	m, ok := comm.Receive()
//	out = comm.Impersonate(thread, m.Client, m.ID)  // as the client that waits (I-88)
//	st = comm.Reply(m.Client, m.ID, answer)
//
// A server that takes clients by their messages calls Listen, AcceptMessage and
// Complete instead of Accept, and may receive and reply on its connection
// port; it impersonates on a communication port alone. Every operation completes at once; Changed tells when to try
// again.
//
// Guards: Port.mu the connections of a connection port, connection.mu everything
// of a connection, taken after Port.mu where both are. No lock is held while a
// context is made or given back.
package lpc

// Package lpc implements ports, over which clients send requests to a server. A server has a connection port. Each
// client has a pair of communication ports, with its pending requests and the client context that the server may
// impersonate.
//
//	client, out := server.Connect(thread, sqos, nil) // waits to be accepted
//	comm := server.Accept(process)
//	id, st := client.Request(thread, data)           // the thread now waits for its reply
//	m, st := comm.Receive()
//	out = comm.Impersonate(thread, m.Client, m.ID)   // as the client that waits (I-88)
//	st = comm.Reply(quota.Payer{}, m.Client, m.ID, answer)
//
// A server that accepts clients by their messages calls Listen, AcceptMessage and Complete instead of Accept. It may
// receive and reply on its connection port, but impersonates only on a communication port. Every operation completes
// at once; Changed reports when to try again.
//
// Port.mu guards the connections of a connection port, connection.mu a connection. If both are needed, Port.mu is
// taken first. No lock is held while a context is created or released.
package lpc

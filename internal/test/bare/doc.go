// Package bare makes systems without services, for the tests of the parts that services
// stand on: processes, threads that act as clients, and nothing that may be left of them.
//
//	w := bare.New(t)
//	client := w.Threads(alice, 1)[0]
//	w.As(client, bob, winnt.SecurityImpersonation)
package bare

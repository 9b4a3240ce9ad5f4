// Package bare creates kernels without services, for tests of the packages below the services. A test gets processes
// and threads that act as clients. At its end, anything that they left over fails the test.
//
//	w := bare.New(t)
//	client := w.Threads(alice, 1)[0]
//	w.As(client, bob, winnt.SecurityImpersonation)
package bare

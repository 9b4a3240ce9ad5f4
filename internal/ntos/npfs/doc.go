// Package npfs is the named pipe file system: pipes with their instances, the
// two ends of a connected instance, the queues between them, and the client
// contexts that a server may impersonate.
//
//	st := fs.Create("orders", npfs.Config{Message: true}, process, descriptor, openServer)
//	outcome := fs.Connect(fs.Find("orders"), thread, sqos, openClient)
//	n, st := client.Write(thread, data)
//	data, st := server.Read(512)
//	outcome = server.Impersonate(thread)
//
// Every operation completes at once; to wait, get the channel of [End.Changed],
// try again, then receive. Guards: FileSystem.mu the names and instances,
// Instance.mu state, queues and contexts. No lock is held while a context is
// made or given back.
package npfs

// Package npfs is the named pipe file system: pipes with their instances, the
// two ends of a connected instance, the queues between them, and the client
// contexts that a server may impersonate.
//
//	server, st := fs.Create(`pipe\orders`, npfs.Config{Message: true}, maker)
//	client, st := fs.Connect(`pipe\orders`, thread, sqos, maker)
//	st = client.Write(thread, data)
//	data, st := server.Read(512)
//	outcome := server.Impersonate(thread)
//
// Every operation completes at once; who wants to wait takes [End.Changed]
// first and tries again. Guards: FileSystem.mu the names and instances,
// Instance.mu state, queues and contexts. No lock is held while a context is
// made or given back.
package npfs

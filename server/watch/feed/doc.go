// Package feed sends a watcher's batches from refmond, which may receive change events and read
// descriptors, to a refmon-index without these rights.
//
//	s := &feed.Server{Trees: map[string]feed.Tree{"/srv": {Traverse: "never"}}, May: administrators}
//	err := s.Serve(listener) // in refmond
//
//	c := index.Config{…, From: func(root string) watch.Source {
//		return &feed.Follower{Socket: "/run/refmon/watch", Root: root}
//	}}
//	err := index.Run(ctx, c) // in refmon-index
//
// A connection is one watch. The server rejects a client that may not watch with one line. The
// client sends a line that names a tree. The server accepts or rejects it in one line, and then
// sends each batch as a line (N-17). A watch begins with a walk, so a client that reconnects
// misses nothing. A slow client uses no memory in the server: the kernel's event queue overflows,
// and the next walk finds the lost changes (N-8). Heartbeats follow the batches that they cover.
//
// A Server is safe for concurrent use, also with several listeners. A Follower belongs to one run.
package feed

// Package feed carries what watchers of trees see from refmond, which may hear of changes and
// read descriptors, to a refmon-index that may do neither.
//
//	s := &feed.Server{Trees: map[string]feed.Tree{"/srv": {}}, May: administrators}
//	err := s.Serve(listener) // in refmond
//
//	c := index.Config{…, From: func(root string) index.Source {
//		return &feed.Follower{Socket: "/run/refmon/watch", Root: root}
//	}}
//	err := index.Run(ctx, c) // in refmon-index
//
// A connection is one watch: a line that asks for a tree, a line that lets in or refuses, then a
// line a batch (N-17). It begins with a walk, so that one who comes back has missed nothing. A
// client that reads slowly makes the kernel's queue overflow, which a walk mends (N-8), and holds
// no memory here. Beats go behind what they vouch for, as on one machine.
//
// Guards: a Server may serve several listeners at once; a Follower belongs to the run that it is
// given to.
package feed

// Package watch reports the files of a tree with their descriptors, and each change of them, in batches. The live
// index (package index) decides access from the batches; refmond sends them to an index without a right on the
// files (package feed).
//
//	w := &watch.Watcher{Root: "/srv"}
//	batches := make(chan watch.Batch)
//	go func() { done <- w.Run(ctx, batches) }()
//
// A [Watcher] begins with a walk of the whole tree. Then fanotify(7) reports changes on Linux, and a walk after each
// [Watcher.Every] finds those that no event reports. If a batch has a [Heartbeat], every change before its time is in
// this batch or an earlier one. The rules are N-7, N-8, N-60 and N-88 to N-90 of docs/rules/101-index.md.
//
// One goroutine owns a running Watcher. The caller must receive its batches. While it does not, the kernel queues
// events and drops them at a limit; then the Watcher walks the tree again.
package watch

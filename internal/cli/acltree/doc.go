// Package acltree changes the DACLs of many files as one operation that can be
// undone. A [Plan] walks a tree and computes each new descriptor. It writes the
// old and new ones to a journal. Once the journal is durable, [Run] writes the
// descriptors, and the same journal undoes them later. Both can be repeated after
// an interruption: a file that already has its descriptor is left alone, and a
// file that somebody else has changed is reported and not overwritten.
//
//	files, err := acltree.Open("/srv/projects")
//	plan := acltree.Plan{Files: files, Keeper: acltree.Mount{}, Recursive: true, Change: acltree.Edit(steps)}
//	writer, err := acltree.NewWriter(file, header)
//	counts, err := plan.Run(ctx, writer)
//	err = writer.Commit(true)
//	journal, err := acltree.ReadJournal(file)
//	outcome, err := acltree.Run(ctx, files, acltree.Mount{}, journal, false, report, nil)
//
// Files are held by descriptors (package beneath), so a link that takes the place
// of a file or directory during a run is not followed.
//
// Guards: no type is safe for concurrent use.
package acltree

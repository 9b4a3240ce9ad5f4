package watch

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// walk reports all files of the tree, between batches with Begin and End. walk also drains the kernel's event queue,
// which could overflow. After an error the batch with End is not sent. With NoEvents that batch has a heartbeat, with
// the time at which the walk began.
func (w *watch) walk() error {
	moment := w.present()
	opt := w.Options
	opt.Recurse, opt.Identify = true, !w.NoEvents
	if w.mounts != nil {
		if _, _, err := w.mounts.reload(); err != nil {
			return err
		}
	}
	if at, err := filepath.EvalSymlinks(w.Root); err == nil {
		w.longer = max(0, len(at)-len(w.Root))
	}
	w.before, w.links = w.links, newLinkTable()
	w.crossed = nil
	if err := w.send(Batch{Tree: w.Root, Begin: true}); err != nil {
		return err
	}
	if err := w.sendFiles(tree.Files([]string{w.Root}, opt)); err != nil {
		return err
	}
	w.before = nil
	w.links.most = max(fewest, 2*w.links.names)
	end := Batch{Tree: w.Root, End: true}
	if w.NoEvents {
		end.Heartbeat = moment
	}
	if err := w.readAgain(w.crossed); err != nil {
		return err
	}
	return w.send(end)
}

// sendFiles sends the files of s to the receiver, in batches of at most pathsPerBatch. sendFiles sends no empty batch.
// Before each batch it drains the kernel's event queue. The first error of the queue or of sending ends it. After an
// error of s, the files found so far are still sent.
func (w *watch) sendFiles(s objects.Source) error {
	var list []Seen
	var failed error
	flush := func() {
		if failed = w.drain(); failed == nil && len(list) > 0 {
			failed = w.send(Batch{Tree: w.Root, Seen: list})
		}
		list = nil
	}
	err := objects.All(w.ctx, s, sid.SID{}, winnt.FileObject, func(x objects.Item) bool {
		if s, ours := w.newSeen(&x); ours {
			list = append(list, s)
		}
		if len(list) == pathsPerBatch {
			flush()
		}
		return failed == nil
	})
	if failed == nil {
		flush()
	}
	return errors.Join(err, failed)
}

// newSeen converts a file that was read to a report for the receiver. For a file below a mount point ours is false, and
// the caller drops it. A mount point, and a path that is too long for the kernel, become unreadable documents.
func (w *watch) newSeen(x *objects.Item) (s Seen, ours bool) {
	s = Seen{Path: x.Path, Folder: x.Type == winnt.DirectoryFileObject, Descriptor: x.Descriptor, Search: x.Search,
		Err: x.Err, Gone: errors.Is(x.Err, fs.ErrNotExist)}
	covered, point := w.mounts.covers(x.Path)
	switch {
	case covered && !point:
		return s, false
	case point: // x is the root of another file system, and hides a folder until it is unmounted (N-90)
		s.Descriptor, s.Search, s.Err, s.Gone = nil, nil, errForeign, false
	case len(x.Path)+w.longer >= maxPath && !s.Gone:
		s.Descriptor, s.Err = nil, errLong // the kernel could not report its changes (N-89)
	}
	if errors.Is(x.Err, beneath.ErrMount) && !covered {
		w.crossed = append(w.crossed, x.Path+"/")
	}
	w.links.add(x.Inode, x.Path) // also for an unreadable file, which can become readable through another name (N-88)
	return s, true
}

// maxPath is PATH_MAX of Linux: the kernel has no longer paths, in bytes.
const maxPath = 4096

var errLong = errors.New("its path is longer than 4,096 bytes (PATH_MAX)")

// sendPending reports the pending files, which events named, and removes them from pending. Created and moved folders
// are reported with their descendants, missing files as gone. Before all others it reports the paths that a folder has
// left as gone, because another file may have them now (N-143). If the root is missing, sendPending sets lost instead.
// Without pending paths it does nothing.
func (w *watch) sendPending() error {
	if w.doubted > 0 && w.pending.empty() {
		w.doubted = 0
	}
	if len(w.pending.paths) == 0 {
		return nil
	}
	w.crossed = nil
	paths := slices.Collect(maps.Keys(w.pending.paths))
	left := slices.Collect(maps.Keys(w.pending.left))
	w.pending.clear()
	w.links.settle(inodeAt)
	w.looked = time.Now()
	slices.Sort(paths)
	var files, folders []string
	top := "\x00" // the last element of folders, with a slash at its end
	for _, p := range paths {
		path, folder := strings.CutSuffix(p, "/")
		// The order puts all paths below a folder right after it, and that folder is read with its descendants.
		if folder && !strings.HasPrefix(p, top) {
			folders, top = append(folders, path), p
		}
		files = append(files, path)
	}
	files = slices.Compact(files)
	var gone []Seen
	for _, path := range left {
		if s, ours := w.newSeen(&objects.Item{Path: path, Err: fs.ErrNotExist}); ours {
			gone = append(gone, s)
		}
	}
	for some := range slices.Chunk(gone, pathsPerBatch) {
		if err := w.send(Batch{Tree: w.Root, Seen: some}); err != nil {
			return err
		}
	}
	opt := w.Options
	opt.Identify = true
	s, err := tree.Named(w.Root, files, opt)
	if err != nil { // the root was deleted, which the next walk reports (N-60)
		w.lost = true
		return nil
	}
	if err := w.sendFiles(s); err != nil {
		return err
	}
	for _, folder := range folders {
		if err := w.sendDescendants(folder); err != nil {
			return err
		}
	}
	return w.readAgain(paths)
}

// sendDescendants reports the descendants of a folder that was created or moved here. If the root is missing, it sets
// lost instead. A folder that is gone already is not an error.
func (w *watch) sendDescendants(folder string) error {
	opt := w.Options
	opt.Recurse, opt.Identify = true, true
	below, err := tree.Named(w.Root, []string{folder}, opt)
	if err != nil {
		w.lost = true
		return nil
	}
	return w.sendFiles(below)
}

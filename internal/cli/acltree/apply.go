package acltree

import (
	"bytes"
	"context"
	"errors"
)

// Outcome counts the files of a journal that was applied or undone.
type Outcome struct {
	Written int
	Already int // had the descriptor that was to be written
	Failed  int
}

// Errors of single files.
var (
	// ErrReplaced means that a path now belongs to another file than the one in the journal.
	ErrReplaced = errors.New("another file has this path now, so it was not changed")
	// ErrChanged says that somebody changed a descriptor since the journal was
	// written.
	ErrChanged = errors.New("another program changed its descriptor first, so it was left unchanged")
)

// Run writes the new descriptors of a committed journal, or with undo the earlier ones. Before each write it compares
// the file's identity and present descriptor with the journal's (F-207). It leaves a file alone that has the wanted
// descriptor, so an interrupted run can be repeated. Undo also works after a run that did not finish.
//
// Run calls report for each file that fails, and progress after each file; either may be nil. Errors of files are only
// counted in the Outcome. Run returns an error if the journal cannot be read or ctx ends; the Outcome then has the
// files so far.
func Run(ctx context.Context, files Files, keeper Keeper, j *Journal, undo bool,
	report func(path string, err error), progress func(Outcome)) (Outcome, error) {
	var out Outcome
	var d *devices
	err := j.Each(func(e *Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if d == nil {
			d = newDevices(files, e)
		}
		written, err := d.write(files, keeper, e, undo)
		switch {
		case err != nil:
			out.Failed++
			if report != nil {
				report(e.Path, err)
			}
		case written:
			out.Written++
		default:
			out.Already++
		}
		if progress != nil {
			progress(out)
		}
		return nil
	})
	return out, err
}

// devices compares the device numbers of a journal's entries with those of the files now. A file system such as btrfs,
// NFS or overlayfs can get another number with each mount (F-207).
type devices struct {
	mounted bool              // the tree was mounted again after the plan
	now     map[uint64]uint64 // by number in the journal, if mounted: the number of the first file that has its inode
}

// newDevices returns the devices of a run with the first entry of its journal. If the root's device has the entry's
// number, the numbers are still valid.
func newDevices(files Files, first *Entry) *devices {
	d := &devices{now: map[uint64]uint64{}}
	if root, err := files.Hold(""); err == nil {
		d.mounted = root.Status().Device != first.Device
		root.Close()
	}
	return d
}

// same reports whether s is the state of the entry's file.
func (d *devices) same(e *Entry, s Status) bool {
	if s.Inode != e.Inode || (s.Kind == Directory) != e.Directory {
		return false
	}
	want := e.Device
	if d.mounted {
		if _, ok := d.now[e.Device]; !ok {
			d.now[e.Device] = s.Device
		}
		want = d.now[e.Device]
	}
	return s.Device == want
}

// Write applies the journal entry e to its file, or with undo reverts it. If the keeper fails to write, written is
// true. In these cases nothing is written:
//   - the file has the wanted descriptor, or undo finds it unchanged: false and nil
//   - the path is another file now: [ErrReplaced]
//   - the file has neither the old nor the new descriptor, or the write would overwrite a later change of its owner,
//     group or SACL: [ErrChanged]
//
// The entry must be of a plan that was made since the file system was mounted.
func Write(files Files, keeper Keeper, e *Entry, undo bool) (written bool, err error) {
	return (&devices{}).write(files, keeper, e, undo)
}

// write applies or reverts an entry of a journal with these devices, as [Write] does.
func (d *devices) write(files Files, keeper Keeper, e *Entry, undo bool) (written bool, err error) {
	h, err := files.Hold(e.Path)
	if err != nil {
		return false, err
	}
	defer h.Close()
	if !d.same(e, h.Status()) {
		// It is another file than the journal is about (F-207).
		return false, ErrReplaced
	}
	k, err := keeper.Read(h)
	if err != nil {
		return false, err
	}
	was := same(k.Descriptor, e.Before) && (k.Raw == nil) == (e.Raw == nil)
	is := same(k.Descriptor, e.After)
	if undo {
		switch {
		case was && bytes.Equal(k.Raw, e.Raw), was && !is:
			return false, nil
		case !is || !keeper.Equal(k.Descriptor, e.After):
			return false, ErrChanged
		}
		return true, keeper.Restore(h, &Kept{Raw: e.Raw, Descriptor: e.Before})
	}
	switch {
	case is && k.Raw != nil:
		return false, nil
	case !was || !keeper.Equal(k.Descriptor, e.Before):
		return false, ErrChanged
	}
	return true, keeper.Write(h, &k, e.Version, e.After)
}

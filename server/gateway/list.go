package gateway

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Bounds of what one request lists.
const (
	mostListed = 20_000  // entries of one answer to PROPFIND, and of a page
	mostCopied = 100_000 // entries of one directory that is copied or removed
)

// list returns the entries of a directory as its client lists them, in their order by
// name. more says that there are more than that.
func (q *request) list(at place, h winnt.Handle, most int) (list []facts, more bool, refused *refusal) {
	for begin := true; ; begin = false {
		var batch []nt.FileEntry
		st := q.s.as(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
			batch, st = th.NtQueryDirectoryFile(h, "", begin)
			return st
		})
		if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			break
		}
		if st != ntstatus.Success {
			return nil, false, q.refusedAs(at, winnt.FILE_LIST_DIRECTORY, st)
		}
		for i := range batch {
			f := ofEntry(&batch[i])
			if !at.below(f.name).possible() {
				continue // it cannot be asked for (G-11)
			}
			if len(list) == most {
				more = true // what one request makes the gateway hold is bounded (G-20)
				break
			}
			list = append(list, f)
		}
		if more {
			break
		}
	}
	slices.SortFunc(list, func(a, b facts) int { return strings.Compare(a.name, b.name) })
	return list, more, nil
}

// openToList opens a directory as the client, for listing.
func (q *request) openToList(at place) (winnt.Handle, *refusal) {
	const want = winnt.FILE_LIST_DIRECTORY
	h, st := q.open(at, want, winnt.FILE_OPEN, directoryOnly)
	if st != ntstatus.Success {
		return 0, q.refusedAs(at, winnt.FILE_LIST_DIRECTORY, st)
	}
	return h, nil
}

// roots returns the trees that the client may know of: those whose attributes it reads (G-13).
func (q *request) roots() (list []facts) {
	for _, tree := range q.g.cfg.Trees {
		if f, refused := q.stat(place{tree: tree}); refused == nil {
			list = append(list, f)
		}
	}
	return list
}

// RemoveAll implements webdav.FileSystem: everything below goes first, as far as the
// client may delete it, and what stays is noted.
func (f files) RemoveAll(_ context.Context, name string) error {
	at := placeOf(name)
	budget := mostCopied
	if f.q.remove(at, &budget) {
		f.q.g.props.drop(at)
		return nil
	}
	f.q.mu.Lock()
	failed := f.q.failed
	f.q.mu.Unlock()
	if len(failed) == 0 {
		return f.q.failure(name, &refusal{code: http.StatusServiceUnavailable, status: ntstatus.Cancelled, at: at})
	}
	return f.q.failure(name, failed[0])
}

// remove deletes a file, or a directory with what is in it, and reports whether it is gone.
func (q *request) remove(at place, budget *int) bool {
	if *budget--; *budget < 0 || q.ctx.Err() != nil {
		return false
	}
	st := q.unlink(at)
	if st == ntstatus.DirectoryNotEmpty {
		whole := q.empty(at, budget)
		if !whole {
			return false // the parents of what failed are not told (RFC 4918, 9.6.1)
		}
		st = q.unlink(at)
	}
	if st == ntstatus.Success {
		return true
	}
	q.fail(q.refusedAs(at, winnt.DELETE, st))
	return false
}

func (q *request) unlink(at place) ntstatus.Status {
	if !q.served(at) {
		return ntstatus.ObjectNameNotFound
	}
	return q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtDeleteFile(&nt.ObjectAttributes{ObjectName: at.object()})
	})
}

// empty deletes what is in a directory, and reports whether all of it is gone.
func (q *request) empty(at place, budget *int) bool {
	h, refused := q.openToList(at)
	if refused != nil {
		q.fail(refused)
		return false
	}
	list, more, refused := q.list(at, h, mostCopied)
	q.s.p.release(h)
	if refused != nil {
		q.fail(refused)
		return false
	}
	whole := !more
	for _, f := range list {
		if !q.remove(at.below(f.name), budget) {
			whole = false
		}
	}
	return whole
}

// mostFailed is how many failures an answer names.
const mostFailed = 1000

// fail notes what of several was refused.
func (q *request) fail(f *refusal) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.failed) < mostFailed {
		q.failed = append(q.failed, f)
	}
}

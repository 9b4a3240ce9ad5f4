package gateway

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

const mostListed = 20_000 // the most entries in a response to PROPFIND and on a directory page

// list returns at most most entries of the open directory h, sorted by name. at is the directory's path. list skips
// names that requests cannot use. more reports that the directory has further entries; which ones list leaves out is
// undefined. refused is nil on success; on a failure list is nil. The request holds the memory of the list, bytesOf,
// until its end or until giveBack. The refusal is 503 if the client may not have that memory.
func (q *request) list(at place, h winnt.Handle, most int) (list []facts, more bool, refused *refusal) {
	for begin := true; !more; begin = false {
		var batch []nt.FileEntry
		st := q.s.as(q.ctx, func(th *nt.Thread) (st ntstatus.Status) {
			batch, st = th.NtQueryDirectoryFile(h, "", begin)
			return st
		})
		if st == ntstatus.NoMoreFiles || st == ntstatus.NoSuchFile {
			break
		}
		if st != ntstatus.Success {
			q.giveBack(bytesOf(list))
			return nil, false, q.refusedAs(at, winnt.FILE_LIST_DIRECTORY, st)
		}
		before := len(list)
		for i := range batch {
			f := ofEntry(&batch[i])
			if !q.served(at.below(f.name)) {
				continue // a request could not name it (G-11)
			}
			if len(list) == most {
				more = true // limits the memory of one request (G-20)
				break
			}
			list = append(list, f)
		}
		if !q.hold(bytesOf(list[before:])) {
			q.giveBack(bytesOf(list[:before]))
			return nil, false, q.refusedAs(at, winnt.FILE_LIST_DIRECTORY, ntstatus.InsufficientResources)
		}
	}
	slices.SortFunc(list, func(a, b facts) int { return strings.Compare(a.name, b.name) })
	return list, more, nil
}

// bytesOf returns the bytes that directory entries count for.
func bytesOf(list []facts) (n int64) {
	for i := range list {
		n += bytesOfEntry(list[i].name)
	}
	return n
}

// bytesOfEntry returns the bytes that a directory entry with a name counts for.
func bytesOfEntry(name string) int64 { return entryBytes + int64(len(name)) }

// openToList opens a directory with the right to list it. The caller releases the handle. The refusal is nil on
// success; the handle is then valid.
func (q *request) openToList(at place) (winnt.Handle, *refusal) {
	const want = winnt.FILE_LIST_DIRECTORY
	h, st := q.open(at, want, winnt.FILE_OPEN, directoryOnly)
	if st != ntstatus.Success {
		return 0, q.refusedAs(at, winnt.FILE_LIST_DIRECTORY, st)
	}
	return h, nil
}

// roots returns the top-level directory list: the facts of the trees whose attributes the client may read, in the
// configured order (G-13). It returns nil if there are none.
func (q *request) roots() (list []facts) {
	for _, tree := range q.g.cfg.Trees {
		if f, refused := q.stat(place{tree: tree}); refused == nil {
			list = append(list, f)
		}
	}
	return list
}

// members returns at most most entries of a directory, sorted by name; more reports further entries. For the root
// members returns all visible trees in the configured order. refused is nil on success; it is set if the directory
// cannot be listed or read. The request holds the memory of the list as for list.
func (q *request) members(at place, most int) (list []facts, more bool, refused *refusal) {
	if at.tree == "" {
		list = q.roots()
		if !q.hold(bytesOf(list)) {
			return nil, false, q.refusedAs(at, winnt.FILE_LIST_DIRECTORY, ntstatus.InsufficientResources)
		}
		return list, false, nil
	}
	h, refused := q.openToList(at)
	if refused != nil {
		return nil, false, refused
	}
	defer q.s.release(h)
	return q.list(at, h, most)
}

// unlink deletes a file or an empty directory with the rights of the client. It returns DirectoryNotEmpty for one
// with entries, and ObjectNameNotFound for a name that is not served.
func (q *request) unlink(at place) ntstatus.Status {
	if !q.served(at) {
		return ntstatus.ObjectNameNotFound
	}
	return q.s.as(q.ctx, func(th *nt.Thread) ntstatus.Status {
		return th.NtDeleteFile(&nt.ObjectAttributes{ObjectName: at.object()})
	})
}

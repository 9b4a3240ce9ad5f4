package daemon

import (
	"os"
	"slices"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// mostPassed is the most entries for one connection. Further files are only counted (F-177).
const mostPassed = 256

// passedDescriptors records the descriptors that a program received, until its connection ends. It is safe for
// concurrent use.
type passedDescriptors struct {
	mu sync.Mutex
	// +checklocks:mu
	list []passed // guarded by mu; in each entry Process is 0
	// +checklocks:mu
	others passed // guarded by mu: sum of the files that list has no room for, with the last client
	// +checklocks:mu
	paid []quota.Receipt // guarded by mu: for the entries of list, until drop
}

// passedSize is the number of bytes that an entry is charged for in addition to its name.
const passedSize = 256

// passed is a descriptor that a program received for itself or for a client.
type passed struct {
	inspect.PassedDescriptor
	client sid.SID // the user for whom the file was opened; zero: the program itself
}

// add records a passed descriptor. If the same file was already passed with the same rights for the same client, it
// increments that entry's count. Beyond mostPassed entries, or if payer has no quota for the entry, it only adds to the
// sum of the other files.
func (l *passedDescriptors) add(out *kernel.HandedOut, payer quota.Payer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if e := &l.list[i]; e.Name == out.Name && e.Used == out.Used && e.client == out.Client {
			e.Times++
			return
		}
	}
	if len(l.list) < mostPassed {
		// The name stays here after the file is closed.
		if paid, st := payer.Charge(passedSize + len(out.Name)); st == ntstatus.Success {
			l.paid = append(l.paid, paid)
			l.list = append(l.list, passed{inspect.PassedDescriptor{Name: out.Name, Used: out.Used, Since: time.Now(),
				Times: 1}, out.Client.Clone()})
			return
		}
	}
	if l.others.Times++; l.others.Times == 1 {
		l.others.Since = time.Now()
	}
	l.others.Used |= out.Used
	if !out.Client.IsZero() {
		l.others.client = out.Client.Clone()
	}
}

// drop removes all entries and returns their charges. Call it when the connection has ended.
func (l *passedDescriptors) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.paid {
		l.paid[i].Return()
	}
	l.list, l.paid, l.others = nil, nil, passed{}
}

// all returns a copy of the entries with Process set to process. If there are further files, the last
// entry counts them and has no name. Without passed descriptors it returns an empty list.
func (l *passedDescriptors) all(process uint64) []passed {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := slices.Clone(l.list)
	if l.others.Times > 0 {
		list = append(list, l.others)
	}
	for i := range list {
		list[i].Process = process
	}
	return list
}

// HandOut returns a host descriptor of a file that the program opened as the handle file, and records that the
// program received it. The caller closes the descriptor after it sent it. On a failure nothing is recorded.
func (c *connection) HandOut(th *nt.Thread, file winnt.Handle) (*os.File, ntstatus.Status) {
	out, st := c.d.sys.HandOut(th, file, c.peer.UID)
	if st == ntstatus.Success {
		c.passed.add(&out, c.Payer())
	}
	return out.File, st
}

// passedDescriptors returns the descriptors passed to processes whose handles the caller may inspect (F-177). They are
// sorted by process. A connection without a session has none.
func (l *inspector) passedDescriptors() (list []inspect.PassedDescriptor) {
	l.d.mu.Lock()
	all := make([]*connection, 0, len(l.d.connections))
	for c := range l.d.connections {
		all = append(all, c)
	}
	l.d.mu.Unlock()
	for _, c := range all {
		s := c.session.Load()
		if s != nil && l.may(s.guard(), winnt.PROCESS_QUERY_INFORMATION|winnt.PROCESS_DUP_HANDLE) {
			for _, e := range c.passed.all(s.Process) {
				list = append(list, e.PassedDescriptor)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b inspect.PassedDescriptor) int { return int(a.Process) - int(b.Process) })
	return list
}

// ReplaceContents replaces the contents of the open file by those of the open file from. Both are handles of the
// connection's process.
func (c *connection) ReplaceContents(th *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	return c.d.sys.Refill(th, file, from)
}

// Contents returns the facts of an open file for the reply to the open, and reads its contents into room. whole
// is false, and room meaningless, if the contents do not fit or the handle does not grant FILE_READ_DATA.
func (c *connection) Contents(th *nt.Thread, file winnt.Handle, room []byte) (facts nt.FileFacts, whole bool,
	st ntstatus.Status) {
	return c.d.sys.Contents(th, file, room)
}

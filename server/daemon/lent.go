package daemon

import (
	"os"
	"slices"
	"sync"
	"time"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Lent is a file of which a program was handed out descriptors. Whether the program still has
// them is not seen, nor who got them from it.
type Lent struct {
	Process uint64           `json:"process"`
	Name    string           `json:"name"` // of the file in the kernel
	Used    winnt.AccessMask `json:"used"` // the rights that their use needs
	Since   time.Time        `json:"since"`
	Times   uint64           `json:"times"`
}

// mostLent bounds what is remembered of a connection: further files are counted (W-62).
const mostLent = 256

// lent remembers what a program was handed out, until its connection ends.
type lent struct {
	mu sync.Mutex
	// +checklocks:mu
	list []Lent // guarded by mu; Process is 0
	// +checklocks:mu
	others Lent // guarded by mu: what had no room
}

// add remembers a hand-out.
func (l *lent) add(out *kernel.HandedOut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if e := &l.list[i]; e.Name == out.Name && e.Used == out.Used {
			e.Times++
			return
		}
	}
	if len(l.list) < mostLent {
		l.list = append(l.list, Lent{Name: out.Name, Used: out.Used, Since: time.Now(), Times: 1})
		return
	}
	if l.others.Times++; l.others.Times == 1 {
		l.others.Since = time.Now()
	}
	l.others.Used |= out.Used
}

// all returns what was handed out to a process. Files that had no room come last, without a
// name.
func (l *lent) all(process uint64) []Lent {
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

// HandOut implements [wire.Lender]: the program at the other end gets a descriptor of a
// file that it opened.
func (c *connection) HandOut(th *nt.Thread, file winnt.Handle) (*os.File, ntstatus.Status) {
	out, st := c.d.sys.HandOut(th, file, c.peer.UID)
	if st == ntstatus.Success {
		c.lent.add(&out)
	}
	return out.File, st
}

// lent returns what was handed out to the processes whose handles the caller may look at. F-177
func (l *looker) lent() (list []Lent) {
	l.d.mu.Lock()
	all := make([]*connection, 0, len(l.d.connections))
	for c := range l.d.connections {
		all = append(all, c)
	}
	l.d.mu.Unlock()
	for _, c := range all {
		s := c.session.Load()
		if s != nil && l.may(s.guard, winnt.PROCESS_QUERY_INFORMATION|winnt.PROCESS_DUP_HANDLE) {
			list = append(list, c.lent.all(s.Process)...)
		}
	}
	slices.SortStableFunc(list, func(a, b Lent) int { return int(a.Process) - int(b.Process) })
	return list
}

// Refill replaces what is in a file that the program opened by what is in another one.
func (c *connection) Refill(th *nt.Thread, file, from winnt.Handle) ntstatus.Status {
	return c.d.sys.Refill(th, file, from)
}

// Contents reads what is in a file that the program opened, for the answer to the open.
func (c *connection) Contents(th *nt.Thread, file winnt.Handle, room []byte) (facts nt.FileFacts, whole bool,
	st ntstatus.Status) {
	return c.d.sys.Contents(th, file, room)
}

package services

import (
	"sync"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// opener is a user with open files of a tree: an account, a client of it, or a user without a quota account.
type opener struct {
	block *quota.Block
	user  sid.SID
}

// openShares counts the open files of a tree by user. The zero value is empty.
type openShares struct {
	mu sync.Mutex
	// +checklocks:mu
	total int // guarded by mu
	// +checklocks:mu
	of map[opener]int // guarded by mu
}

// take counts one more file of a user and reports whether it did. It refuses a user who already has as many open
// files as remain free of most. A user's first file is never refused.
func (s *openShares) take(who opener, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	// One user leaves as much room for others as it takes, so that no user takes a tree from all.
	if n := s.of[who]; n > 0 && n >= most-s.total {
		return false
	}
	if s.of == nil {
		s.of = map[opener]int{}
	}
	s.of[who]++
	s.total++
	return true
}

// giveBack counts one file of a user less. It must be called once for each file.
func (s *openShares) giveBack(who opener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.of[who]--; s.of[who] == 0 {
		delete(s.of, who)
	}
}

// admission is one open counted in a user's share of a tree, with the charge for the file. In the zero value no open
// is counted.
type admission struct {
	device *Device
	who    opener
	paid   quota.Receipt
}

// treeFileSize is the memory of an open file without its paths and descriptor: its objects here and in the file
// system.
const treeFileSize = 3 << 10

// admit counts and charges an open before the file is opened or created. The caller must call own or giveBack on the
// result. Errors: those of a charge, and STATUS_TOO_MANY_OPENED_FILES if the user's share of the tree is used up.
// After a failure nothing stays counted.
func (c *Context) admit(n *treeName, place nt.FilePlace, user sid.SID) (a admission, st ntstatus.Status) {
	payer := c.self.Payer()
	a = admission{device: n.device, who: opener{payer.Block, payer.Client}}
	if payer.Block == nil {
		a.who.user = user.Clone()
	}
	size := treeFileSize + 4*len(place.Path()) + place.Facts().Object.Descriptor.HeapSize()
	if a.paid, st = payer.Charge(size); st != ntstatus.Success {
		return admission{}, c.Fail("Q-2", st)
	}
	bound, ok := n.device.tree.(nt.BoundedOpens)
	if !ok {
		a.device = nil
		return a, ntstatus.Success
	}
	if !n.device.shares.take(a.who, bound.MaxOpens()) {
		a.paid.Return()
		// The user has its share of the open files of this tree.
		return admission{}, c.Fail("Q-7", ntstatus.TooManyOpenedFiles)
	}
	return a, ntstatus.Success
}

// giveBack releases an admission that was not used for an open.
func (a *admission) giveBack() {
	a.paid.Return()
	a.close()
}

// close returns the open to the user's share. It leaves the charge alone.
func (a *admission) close() {
	if a.device != nil {
		a.device.shares.giveBack(a.who)
	}
}

// own ties the admission to the file, until the file's last reference is dropped.
func (a *admission) own(f *File) {
	f.Prepaid(a.paid)
	f.admitted = admission{device: a.device, who: a.who}
	f.complete.Store(true)
}

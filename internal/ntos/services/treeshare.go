package services

import (
	"sync"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// opener is the user on whom an open file counts: a quota account, a client of that account, or a user without one.
type opener struct {
	block *quota.Block
	user  sid.SID
}

// openShares counts the open files of a tree by user, so that no user can take them all. The zero value is empty.
type openShares struct {
	mu sync.Mutex
	// +checklocks:mu
	total int // guarded by mu
	// +checklocks:mu
	of map[opener]int // guarded by mu
}

// take counts one more open file of a user, if the user's share allows it. The result is whether the file was
// counted. most is the tree's limit for all users. A user may have as many open files as remain free. The first file
// is always allowed.
func (s *openShares) take(who opener, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A user may not have more opens than remain free, so that no user can fill the tree's limit alone.
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

// giveBack ends the count of one open file of a user. It must be called once for each successful take.
func (s *openShares) giveBack(who opener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.of[who]--; s.of[who] == 0 {
		delete(s.of, who)
	}
}

// openClients is the table of client tokens with which a tree's files are open. Each token is charged once, however
// many files are open with it. The zero value is empty.
type openClients struct {
	mu sync.Mutex
	// +checklocks:mu
	of map[clientKey]*openClient // guarded by mu
	// +checklocks:mu
	spare *openClient // guarded by mu; nil: none. It saves an allocation for each open of a lone file.
}

// clientKey is a token, and the opener who pays for it.
type clientKey struct {
	who   opener
	token *token.Token
}

// openClient is a token of a client with which files are open.
type openClient struct {
	table *openClients // immutable while files are counted
	key   clientKey    // immutable likewise
	files int          // guarded by table.mu
	paid  quota.Receipt
}

// take counts one more file that is open with a client's token. The first one is charged for the token.
func (s *openClients) take(payer quota.Payer, k clientKey) (*openClient, ntstatus.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.of[k]
	if c == nil {
		paid, st := payer.Charge(k.token.HeapSize())
		if st != ntstatus.Success {
			return nil, st
		}
		if s.of == nil {
			s.of = map[clientKey]*openClient{}
		}
		if c, s.spare = s.spare, nil; c == nil {
			c = new(openClient)
		}
		c.table, c.key, c.paid = s, k, paid
		s.of[k] = c
	}
	c.files++
	return c, ntstatus.Success
}

// giveBack ends the count of one file. It must be called once for each successful take. It does nothing for nil.
func (c *openClient) giveBack() {
	if c == nil {
		return
	}
	s := c.table
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.files--; c.files == 0 {
		delete(s.of, c.key)
		c.paid.Return()
		c.key = clientKey{} // the unused entry must not keep a token in memory
		s.spare = c
	}
}

// admission is the permission for one open of a tree file. It records what the open counts against: the user's share,
// the quota, and the client's token. The zero value counts nothing.
type admission struct {
	device *Device
	who    opener
	share  opener       // whose share of the tree the open uses: who, or the user in System.Openers
	token  *token.Token // of the client that the process opens the file for; nil: the process opens it for itself
	client *openClient  // counts the file for token; nil without one. It is cleared while Revoke may read token.
	paid   quota.Receipt
}

// treeFileSize is the memory of an open file without its paths and descriptor: its objects here and in the file
// system.
const treeFileSize = 3 << 10

// pathCopies is the number of strings of an open file that are as long as its path.
const pathCopies = 4

// admit counts and charges an open before the file is opened or created. The caller must call own or giveBack on the
// result. A used-up share of the tree is STATUS_TOO_MANY_OPENED_FILES. A failed charge returns its status.
// After a failure nothing is counted or charged.
func (c *Context) admit(n *treeName, place nt.FilePlace, by *token.Token) (a admission, st ntstatus.Status) {
	payer := c.self.Payer()
	a = admission{device: n.device, who: opener{payer.Block, payer.Client}}
	if payer.Block == nil {
		a.who.user = by.User().SID.Clone()
	}
	a.share = a.who
	if user, ok := c.Sys.Openers.Load(by); ok && payer.Block == nil {
		a.share.user = user.(sid.SID)
	}
	size := treeFileSize + pathCopies*len(place.Path()) + place.Facts().Object.Descriptor.HeapSize()
	if a.paid, st = payer.Charge(size); st != ntstatus.Success {
		return admission{}, c.Fail("Q-2", st)
	}
	if !a.who.user.IsZero() {
		// The token names the groups of the client at the time of the open (W-99).
		a.token = by
		if a.client, st = n.device.clients.take(payer, clientKey{a.who, by}); st != ntstatus.Success {
			a.paid.Return()
			return admission{}, c.Fail("Q-2", st)
		}
	}
	bound, ok := n.device.tree.(nt.BoundedOpens)
	if !ok {
		a.device = nil
		return a, ntstatus.Success
	}
	if !n.device.shares.take(a.share, bound.MaxOpens()) {
		a.paid.Return()
		a.client.giveBack()
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

// close ends the open's count in the user's share and with its client. The quota charge of the file stays.
func (a *admission) close() {
	a.client.giveBack()
	if a.device != nil {
		a.device.shares.giveBack(a.share)
	}
}

// own hands the admission over to the file, which gives it back when its last reference is dropped.
func (a *admission) own(f *File) {
	f.Prepaid(a.paid)
	f.admitted = admission{device: a.device, who: a.who, share: a.share, token: a.token, client: a.client}
	f.complete.Store(true)
}

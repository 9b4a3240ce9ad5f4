package feed

import (
	"errors"
	"maps"
	"sync"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
)

// owners is the account map of one watch. It remembers the SIDs that descriptors of the watch contain, so that the
// server notices when one of them changes. It is safe for concurrent use.
type owners struct {
	accounts ntacl.Accounts // immutable

	mu sync.Mutex
	// +checklocks:mu
	known map[ownerID]sid.SID // guarded by mu: at most maxOwners
}

// ownerID is a uid or gid.
type ownerID struct {
	id    uint32
	group bool
}

// maxOwners bounds the ids that one watch remembers. The server does not notice changes of further ones.
const maxOwners = 1 << 20

// errAccounts says that descriptors that were sent have the SIDs of earlier accounts.
var errAccounts = errors.New("the accounts of the files' owners have changed: the tree is read again")

// sid returns the SID of a uid or gid and remembers it.
func (o *owners) sid(id uint32, group bool) sid.SID {
	s, key := o.accounts(id, group), ownerID{id, group}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.known[key]; !known && len(o.known) < maxOwners {
		o.known[key] = s
	}
	return s
}

// check returns errAccounts if an id that the watch has looked up has another SID now (N-146). A nil o returns nil:
// its tree has no account map.
func (o *owners) check() error {
	if o == nil {
		return nil
	}
	o.mu.Lock()
	known := maps.Clone(o.known) // look up the copy without the lock, because a lookup may block
	o.mu.Unlock()
	for key, s := range known {
		if o.accounts(key.id, key.group) != s {
			return errAccounts
		}
	}
	return nil
}

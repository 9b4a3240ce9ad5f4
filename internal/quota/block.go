package quota

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Pool bounds the bytes that all accounts may hold together, over several blocks. It is safe for concurrent use. The
// zero value has no room.
type Pool struct {
	total   int64 // immutable: bytes
	reserve int64 // immutable: bytes of total for blocks with the reserve
	used    atomic.Int64
	peak    atomic.Int64 // about the highest value of used
}

// NewPool returns a pool of total bytes for the blocks of all accounts. Only blocks of administrators can use the last
// reserve bytes.
func NewPool(total, reserve int64) *Pool { return &Pool{total: total, reserve: reserve} }

// Used returns the bytes charged to all blocks of the pool, 0 for a nil pool.
func (p *Pool) Used() int64 {
	if p == nil {
		return 0
	}
	return p.used.Load()
}

// take charges n bytes to the pool and updates the peak. It returns false and adds nothing if the pool has no room.
// Only a reserved request may use the reserve, which is kept for administrators.
func (p *Pool) take(n int64, reserved bool) bool {
	most := p.total
	if !reserved {
		most -= p.reserve
	}
	if !add(&p.used, n, most) {
		return false
	}
	if used := p.used.Load(); used > p.peak.Load() {
		p.peak.Store(used)
	}
	return true
}

// Peak returns the approximate maximum of Used since ResetPeak. Concurrent charges may leave it slightly low.
func (p *Pool) Peak() int64 { return p.peak.Load() }

// ResetPeak sets the peak to the current use, so that Peak tells of the time after it.
func (p *Pool) ResetPeak() { p.peak.Store(p.used.Load()) }

// add atomically adds n to a count unless the sum exceeds most. On failure it returns false and never changes the
// count, so it cannot make another charge fail.
func add(used *atomic.Int64, n, most int64) bool {
	for {
		old := used.Load()
		if n > most-old {
			return false
		}
		if used.CompareAndSwap(old, old+n) {
			return true
		}
	}
}

// Block counts the bytes held by the processes of one account. It is safe for concurrent use. A nil Block has no
// limit and counts nothing, as for the kernel's own processes. The zero value has no room.
type Block struct {
	pool     *Pool  // immutable; nil: no bound but the block's own
	limit    int64  // immutable: bytes
	reserved bool   // immutable: may use the pool's reserve
	user     string // immutable after SetUser: the account's name in the limits of audit records; "": unknown
	own      account
	used     atomic.Int64

	mu sync.Mutex
	// +checklocks:mu
	clients map[sid.SID]*account // guarded by mu: clients with a charge
}

// account counts the bytes of the process itself or of one client in a block.
type account struct {
	block  *Block  // immutable
	client sid.SID // immutable; zero: the process itself
	used   int64   // of a client: guarded by block.mu
}

// NewBlock returns the block of an account that may hold limit bytes. pool may be nil. administrator allows the block
// to use the pool's reserve.
func NewBlock(pool *Pool, limit int64, administrator bool) *Block {
	b := &Block{pool: pool, limit: limit, reserved: administrator}
	b.own.block = b
	return b
}

// SetUser names the user of the host whose account the block is. Call it before other goroutines use the block.
func (b *Block) SetUser(user string) { b.user = user }

// User returns the name that SetUser set, or "" without one and for a nil block.
func (b *Block) User() string {
	if b == nil {
		return ""
	}
	return b.user
}

// Used returns the bytes charged to the block and its clients, 0 for a nil block.
func (b *Block) Used() int64 {
	if b == nil {
		return 0
	}
	return b.used.Load()
}

// Limit returns the limit of the block in bytes. The block must not be nil.
func (b *Block) Limit() int64 { return b.limit }

// take charges n bytes to the block and its pool. It returns QUOTA_EXCEEDED at the block's limit and
// INSUFFICIENT_RESOURCES at the pool's, and then changes neither.
func (b *Block) take(n int64) ntstatus.Status {
	if !add(&b.used, n, b.limit) {
		// The account is at its limit.
		return ntstatus.QuotaExceeded
	}
	if b.pool != nil && !b.pool.take(n, b.reserved) {
		b.used.Add(-n) // a failed charge changes no count
		// All accounts together have used what there is, but for the reserve.
		return ntstatus.InsufficientResources
	}
	return ntstatus.Success
}

// takeFor charges n bytes to the share of a client for whom the account's processes act, and returns that share's
// account. On failure it returns nil and changes nothing. It fails with STATUS_QUOTA_EXCEEDED if the client would then
// hold more bytes than are left for all others.
func (b *Block) takeFor(client sid.SID, n int64) (*account, ntstatus.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.clients[client]
	if a == nil {
		a = &account{block: b, client: client.Clone()}
	}
	if n > b.limit-b.used.Load()-a.used-n {
		// One client gets no more than is left for all others.
		return nil, ntstatus.QuotaExceeded
	}
	if st := b.take(n); st != ntstatus.Success {
		return nil, st
	}
	a.used += n
	if b.clients == nil {
		b.clients = map[sid.SID]*account{}
	}
	b.clients[a.client] = a
	return a, ntstatus.Success
}

// giveBack returns a charge of n bytes to an account and its block. It forgets a client whose charges are all returned.
func (a *account) giveBack(n int64) {
	b := a.block
	if a != &b.own {
		b.mu.Lock()
		if a.used -= n; a.used == 0 {
			delete(b.clients, a.client)
			if len(b.clients) == 0 {
				b.clients = nil // a map never shrinks
			}
		}
		b.mu.Unlock()
	}
	b.used.Add(-n)
	if b.pool != nil {
		b.pool.used.Add(-n)
	}
}

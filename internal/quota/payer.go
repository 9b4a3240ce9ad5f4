package quota

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// Payer is charged for memory that the kernel holds for a thread. The zero value stands for the kernel: it pays
// nothing and is never refused.
type Payer struct {
	Block  *Block  // of the thread's process
	Client sid.SID // for whom the thread acts; zero: for its own process
}

// Charge charges n bytes, which must be positive, until the receipt is returned. It returns STATUS_QUOTA_EXCEEDED or
// STATUS_INSUFFICIENT_RESOURCES and changes nothing if there is no room. With a nil Block it charges nothing. n of 0 or
// less is STATUS_QUOTA_EXCEEDED. A client's charge is made to its own account.
func (p Payer) Charge(n int) (Receipt, ntstatus.Status) {
	b := p.Block
	switch {
	case b == nil:
		return Receipt{}, ntstatus.Success
	case n <= 0:
		// A negative charge would make room.
		return Receipt{}, ntstatus.QuotaExceeded
	case p.Client.IsZero():
		if st := b.take(int64(n)); st != ntstatus.Success {
			return Receipt{}, st
		}
		return Receipt{&b.own, int64(n)}, ntstatus.Success
	}
	a, st := b.takeFor(p.Client, int64(n))
	if st != ntstatus.Success {
		return Receipt{}, st
	}
	return Receipt{a, int64(n)}, ntstatus.Success
}

// Receipt is a charge of memory that was made; [Receipt.Return] ends it. The zero value is not a charge. It is not safe
// for concurrent use. Copy it only to pass it on.
type Receipt struct {
	of *account
	n  int64
}

// Bytes returns the charged bytes, 0 after Return.
func (r *Receipt) Bytes() int64 { return r.n }

// Return ends the charge and gives its bytes back to the block. The zero receipt, and a second call, do nothing.
func (r *Receipt) Return() {
	if r.of != nil {
		r.of.giveBack(r.n)
		*r = Receipt{}
	}
}

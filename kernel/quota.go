package kernel

import (
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
)

// QuotaBlock counts and limits the bytes that the kernel keeps for the processes of one account.
// Several processes share one. [NewQuotaBlock] returns one. The limit of the zero value is 0.
// nil counts and limits nothing.
type QuotaBlock = quota.Block

// QuotaPool limits several blocks together. [NewQuotaPool] returns one. The limit of the zero
// value is 0.
type QuotaPool = quota.Pool

// NewQuotaPool returns a pool of total bytes. Only the blocks of administrators
// can use reserve of them.
func NewQuotaPool(total, reserve int64) *QuotaPool { return quota.NewPool(total, reserve) }

// NewQuotaBlock returns a block of limit bytes. pool may be nil. With administrator
// the block may use the reserve of the pool.
func NewQuotaBlock(pool *QuotaPool, limit int64, administrator bool) *QuotaBlock {
	return quota.NewBlock(pool, limit, administrator)
}

// SetQuota sets the block that is charged for the process from now on. Earlier charges stay
// with the previous block.
func (p *Process) SetQuota(b *QuotaBlock) { p.p.SetQuota(b) }

// charge charges quota block b for a new process, and for its token t if made is true. The first refused charge is
// the status; an earlier charge then stays until the process ends. b becomes the process's quota block, even after a
// refusal.
func (p *Process) charge(b *QuotaBlock, made bool, t *AccessToken) (st ntstatus.Status) {
	p.p.SetQuota(b)
	if made {
		st = t.Pay(quota.Payer{Block: b}, 0)
	}
	if st == ntstatus.Success {
		st = p.p.Pay(quota.Payer{Block: b}, 0)
	}
	return st
}

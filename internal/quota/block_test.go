package quota

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// TestBlockRefusesBeyondItsLimit checks that a charge up to the last byte succeeds, that one more fails, and that a
// failure changes nothing.
func TestBlockRefusesBeyondItsLimit(t *testing.T) {
	pool := NewPool(1000, 0)
	b := NewBlock(pool, 100, false)
	p := Payer{Block: b}
	first := check.Result(p.Charge(60))
	check.Equal(t, check.Status(p.Charge(41)), ntstatus.QuotaExceeded, "60 + 41 of 100 bytes")
	check.Equal(t, check.Status(p.Charge(math.MaxInt)), ntstatus.QuotaExceeded, "60 + all of 100 bytes")
	if b.Used() != 60 || pool.Used() != 60 {
		t.Errorf("after a refusal the block has %d bytes and the pool %d, want 60", b.Used(), pool.Used())
	}
	check.Equal(t, check.Status(p.Charge(40)), ntstatus.Success, "60 + 40 of 100 bytes")
	first.Return()
	first.Return()
	if b.Used() != 40 || pool.Used() != 40 {
		t.Errorf("after one return the block has %d bytes and the pool %d, want 40", b.Used(), pool.Used())
	}
}

// Ordinary blocks cannot use the pool's reserve, and an administrator's block can.
func TestPoolKeepsItsReserve(t *testing.T) {
	pool := NewPool(100, 20)
	one, two, admin := NewBlock(pool, 70, false), NewBlock(pool, 70, false), NewBlock(pool, 70, true)
	check.Success(t, check.Status((Payer{Block: one}).Charge(70)))
	check.Equal(t, check.Status((Payer{Block: two}).Charge(11)), ntstatus.InsufficientResources,
		"70 + 11 of 80 bytes")
	if two.Used() != 0 || pool.Used() != 70 {
		t.Errorf("after a refusal the block has %d bytes, want 0, and the pool %d, want 70", two.Used(), pool.Used())
	}
	check.Equal(t, check.Status((Payer{Block: admin}).Charge(30)), ntstatus.Success, "the reserve")
	check.Equal(t, check.Status((Payer{Block: admin}).Charge(1)), ntstatus.InsufficientResources, "beyond the total")
	b := NewBlock(NewPool(15, 0), 100, false)
	alice := Payer{b, sid.MustParse("S-1-5-21-1-2-3-1")}
	held := check.Result(alice.Charge(10))
	check.Equal(t, check.Status(alice.Charge(10)), ntstatus.InsufficientResources, "a client beyond the total")
	held.Return()
	check.Equal(t, clientsOf(b), 0, "clients with a charge after the only one was returned")
}

// TestClientGetsHalfOfEmptyQuotaBlock checks that a client gets at most half of an empty block, so that space remains
// for the next one.
func TestClientGetsHalfOfEmptyQuotaBlock(t *testing.T) {
	b := NewBlock(nil, 1000, false)
	alice, bob := Payer{b, sid.MustParse("S-1-5-21-1-2-3-1")}, Payer{b, sid.MustParse("S-1-5-21-1-2-3-2")}
	var held []Receipt
	fill := func(p Payer) (n int) {
		for {
			r, st := p.Charge(10)
			if st != ntstatus.Success {
				check.That(t, st == ntstatus.QuotaExceeded, "%v, want STATUS_QUOTA_EXCEEDED", st)
				return n
			}
			held, n = append(held, r), n+10
		}
	}
	if n := fill(alice); n != 500 {
		t.Errorf("a client alone gets %d of 1000 bytes, want 500", n)
	}
	if n := fill(bob); n != 250 {
		t.Errorf("the next client gets %d of the 500 bytes left, want 250", n)
	}
	if n := fill(Payer{Block: b}); n != 250 {
		t.Errorf("the process itself is charged %d bytes, want the remaining 250", n)
	}
	for i := range held {
		held[i].Return()
	}
	if b.Used() != 0 || clientsOf(b) != 0 {
		t.Errorf("%d bytes and %d clients are left", b.Used(), clientsOf(b))
	}
}

// clientsOf returns how many clients have a charge.
func clientsOf(b *Block) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.clients)
}

// TestNilQuotaBlockIsUnlimited checks that a nil block has no limit, that the zero block has no space, and that both
// reject a negative size.
func TestNilQuotaBlockIsUnlimited(t *testing.T) {
	r, st := Payer{}.Charge(1 << 40)
	check.That(t, st == ntstatus.Success && r.Bytes() == 0 && (Payer{}).Block.Used() == 0,
		"without a block: %v and %d bytes", st, r.Bytes())
	r.Return()
	check.Equal(t, check.Status((Payer{Block: new(Block)}).Charge(1)), ntstatus.QuotaExceeded, "the zero block")
	b := NewBlock(nil, 10, false)
	for _, n := range []int{0, -1} {
		if _, st := (Payer{Block: b}).Charge(n); st != ntstatus.QuotaExceeded || b.Used() != 0 {
			t.Errorf("%d bytes: %v, and %d are used, want %v, 0", n, st, b.Used(), ntstatus.QuotaExceeded)
		}
	}
}

// TestChargesAddUpUnderRaces checks that concurrent charges and releases exceed no limit and leave nothing charged
//
func TestChargesAddUpUnderRaces(t *testing.T) {
	pool := NewPool(3000, 500)
	blocks := []*Block{NewBlock(pool, 1500, false), NewBlock(pool, 1500, false), NewBlock(pool, 1500, true)}
	clients := []sid.SID{{}, sid.MustParse("S-1-1-1"), sid.MustParse("S-1-1-2")}
	var all sync.WaitGroup
	for g := range uint64(8) {
		all.Go(func() {
			draw := rand.New(rand.NewPCG(g, 1))
			var held []Receipt
			for range 5000 {
				if len(held) > 20 || draw.IntN(2) == 0 && len(held) > 0 {
					held[len(held)-1].Return()
					held = held[:len(held)-1]
					continue
				}
				b := blocks[draw.IntN(len(blocks))]
				if r, st := (Payer{b, clients[draw.IntN(len(clients))]}).Charge(1 + draw.IntN(60)); st.IsSuccess() {
					held = append(held, r)
				}
				if b.Used() > b.Limit() || pool.Used() > 3000 {
					t.Errorf("%d of %d bytes, %d of all, want at most %d, at most 3000", b.Used(), b.Limit(),
						pool.Used(), b.Limit())
				}
			}
			for i := range held {
				held[i].Return()
			}
		})
	}
	all.Wait()
	for _, b := range blocks {
		if b.Used() != 0 || clientsOf(b) != 0 {
			t.Errorf("%d bytes and %d clients are left", b.Used(), clientsOf(b))
		}
	}
	if pool.Used() != 0 {
		t.Errorf("%d bytes of the pool are left, want 0", pool.Used())
	}
}

package daemon

import (
	"reflect"
	"testing"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
)

// TestDaemonCountersStartAtZeroAndCount checks that a new daemon's counters are zero, and that each counter counts its
// own events.
//
// +checklocksignore
func TestDaemonCountersStartAtZeroAndCount(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	tok, err := token.New(token.LocalSystem())
	check.NoError(t, err)
	_, err = sys.NewProcess("client", tok)
	check.NoError(t, err)
	d := &Daemon{sys: sys, scheduler: newSchedulerOf(1, 1, 1),
		denials: callBuffer{most: 8, next: 1}, calls: callBuffer{most: 4, next: 1}}
	var want Stats
	want.Objects, want.Handles, want.References = sys.Counts()
	if got := d.Stats(); !reflect.DeepEqual(got, want) || got.Objects == 0 || got.Objects == got.Handles ||
		got.Handles == got.References {
		t.Errorf("at first %+v, want %+v and three different counts of the kernel", got, want)
	}
	d.connections = map[*connection]struct{}{{}: {}, {full: true}: {}, {checksUID: true}: {}}
	d.users = map[uint32]user{1: {}, 2: {}}
	d.refused, d.answered = 4, 5
	d.scheduler.served = 6
	for range 7 {
		d.denials.add(&seen{size: 1})
	}
	d.calls.add(&seen{size: 1})
	d.pool, d.blocks = kernel.NewQuotaPool(1<<30, 0), map[payer]*kernel.QuotaBlock{}
	for _, q := range []Quota{{UID: 12, Used: 10}, {UID: 10, Used: 20}, {UID: 11, Used: 10}} {
		b := kernel.NewQuotaBlock(d.pool, 1<<20, false)
		check.Success(t, check.Status(quota.Payer{Block: b}.Charge(int(q.Used))))
		d.blocks[payer{uid: q.UID}] = b
	}
	d.blocks[payer{uid: 13}] = kernel.NewQuotaBlock(d.pool, 1<<20, false) // nothing is charged to the account
	want.Quotas = []Quota{{UID: 10, Used: 20, Limit: 1 << 20}, {UID: 11, Used: 10, Limit: 1 << 20},
		{UID: 12, Used: 10, Limit: 1 << 20}}
	want.Charged = 40
	d.watchers.Store(8)
	want.Connections, want.Users, want.Refused, want.Calls, want.Served, want.Denied, want.Watchers = 3, 2, 4, 5, 6, 7, 8
	if got := d.Stats(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	check.NoError(t, sys.Close())
}

package daemon

import (
	"reflect"
	"testing"
	"time"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/token"
)

// TestStats checks each counter. Only ended calls count.
func TestStats(t *testing.T) {
	d := &Daemon{sys: kernel.Boot(kernel.Config{}), scheduler: newSchedulerOf(2, 1, 8), denials: callBuffer{most: 8,
		next: 1},
		connections: map[*connection]struct{}{{}: {}, {account: 1}: {}, {account: 2}: {}},
		users:       map[uint32]user{7: {}, 8: {}}, refused: 5, answered: 7}
	d.watchers.Store(4)
	for range 6 {
		d.denials.add(&seen{size: 1})
	}
	d.scheduler.mu.Lock()
	d.scheduler.served = 8 * time.Second
	d.scheduler.mu.Unlock()
	tok, err := token.New(token.LocalSystem())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.sys.NewProcess("client", tok); err != nil {
		t.Fatal(err)
	}
	want := Stats{Connections: 3, Users: 2, Refused: 5, Calls: 7, Served: 8 * time.Second, Denied: 6, Watchers: 4}
	want.Objects, want.Handles, want.References = d.sys.Counts()
	if got := d.Stats(); !reflect.DeepEqual(got, want) || got.Objects == 0 || got.Objects == got.Handles ||
		got.Handles == got.References {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := d.sys.Close(); err != nil {
		t.Error(err)
	}
}

// TestCountersStartAtZero checks that each daemon has its own counters, all zero at the start.
//
// +checklocksignore
func TestCountersStartAtZero(t *testing.T) {
	sys := kernel.Boot(kernel.Config{})
	defer func() {
		if err := sys.Close(); err != nil {
			t.Error(err)
		}
	}()
	d := &Daemon{sys: sys, scheduler: newSchedulerOf(1, 1, 1),
		denials: callBuffer{most: 4, next: 1}, calls: callBuffer{most: 4, next: 1}}
	objects, handles, references := sys.Counts()
	want := Stats{Objects: objects, Handles: handles, References: references}
	if got := d.Stats(); !reflect.DeepEqual(got, want) || objects == handles {
		t.Errorf("at first %+v, want %+v", got, want)
	}
	d.connections = map[*connection]struct{}{{}: {}, {full: true}: {}, {checksUID: true}: {}}
	d.users = map[uint32]user{1: {}, 2: {}}
	d.refused, d.answered = 4, 5
	d.scheduler.served = 6
	for range 7 {
		d.denials.add(&seen{size: 1})
	}
	d.calls.add(&seen{size: 1})
	d.watchers.Store(8)
	want.Connections, want.Users, want.Refused, want.Calls, want.Served, want.Denied, want.Watchers = 3, 2, 4, 5, 6, 7, 8
	if got := d.Stats(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

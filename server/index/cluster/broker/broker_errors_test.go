package broker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/cluster/site"
)

// TestBrokerKeepsAcknowledgedMessagesOnFullDisk checks that a NATS server rejects messages beyond its limit and ends
// when its disk is full (N-87). With free space it has every acknowledged message and accepts new ones.
func TestBrokerKeepsAcknowledgedMessagesOnFullDisk(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	check.NoError(t, syscall.Mkdir(store, 0o700))
	if err := syscall.Mount("tmpfs", store, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("no tmpfs can be mounted here: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(store, syscall.MNT_DETACH) })
	s, seeds, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}, Parts: 1, Deciders: 1})
	check.NoError(t, err)
	start := func() (*brokerSite, *broker.Broker) {
		t.Helper()
		b, err := broker.Start(s, broker.Options{Store: store})
		check.NoError(t, err)
		return prepared(t, &brokerSite{t: t, site: s, seeds: seeds, broker: b}), b
	}
	h, b := start()
	worker, _ := h.dialRaw(site.Work)
	put := func() (kept bool) {
		m, err := worker.Request("people.0", make([]byte, 1<<16), 2*time.Second)
		return err == nil && !strings.Contains(string(m.Data), `"error"`)
	}
	// A server uses at most three quarters of the free space, then rejects messages and continues.
	kept := uint64(0)
	for put() {
		kept++
	}
	if n := h.count("PEOPLE"); kept == 0 || n < kept {
		t.Errorf("of %d messages that it had it has %d, want at least 1, at least %d", kept, n, kept)
	}
	const some = `{"filter":"people.0","keep":8}`
	keeper, _ := h.dialRaw(site.Keeper)
	check.NoError(t, check.Err(keeper.Request("$JS.API.STREAM.PURGE.PEOPLE", []byte(some), time.Minute)))
	// It ends when another program fills its disk.
	other := filepath.Join(store, "other")
	if err := os.WriteFile(other, make([]byte, 1<<23), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is filled: %v, want %v", err, syscall.ENOSPC)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.Wait(t.Context()) }()
	for kept, err = 8, nil; err == nil; {
		if put() {
			kept++
		}
		select {
		case err = <-ended:
		default:
		}
	}
	check.ErrorIs(t, err, broker.ErrFull, "a server whose disk is full")
	b.Close()
	check.NoError(t, os.Remove(other))
	h, b = start()
	defer b.Close()
	if n := h.count("PEOPLE"); n < kept {
		t.Errorf("of %d messages that it had it has %d, want at least %d", kept, n, kept)
	}
	worker, _ = h.dialRaw(site.Work)
	check.That(t, put(), "it takes no others where there is room")
	ctx, end := context.WithCancel(t.Context())
	end()
	if err := b.Wait(ctx); err != nil {
		t.Error(err)
	}
}

// TestStoreHasOneServer checks that a second NATS server does not start on the folder of a running one, and that one
// starts after the first has ended, or has failed to start.
func TestStoreHasOneServer(t *testing.T) {
	store := filepath.Join(t.TempDir(), "new", "store")
	s, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}, Parts: 1, Deciders: 1})
	check.NoError(t, err)
	failed, err := broker.Start(s, broker.Options{Store: store, Name: "a b"})
	check.That(t, failed == nil && err != nil, "a server whose name has a space starts: %v", err)
	first, err := broker.Start(s, broker.Options{Store: store})
	check.NoError(t, err)
	second, err := broker.Start(s, broker.Options{Store: store})
	check.That(t, second == nil && errors.Is(err, syscall.EWOULDBLOCK) && strings.Contains(err.Error(), store),
		"a second server: %v, want EWOULDBLOCK with the folder", err)
	check.Equal(t, check.Must(os.Stat(store)).Mode().Perm(), 0o700, "the mode of the folder")
	first.Close()
	second, err = broker.Start(s, broker.Options{Store: store})
	check.NoError(t, err)
	second.Close()
}

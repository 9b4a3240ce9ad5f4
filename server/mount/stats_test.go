package mount

import (
	"os"
	"testing"
	"time"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestMountStatsCountByOperationAndUser checks that requests, denials and open files of programs are counted by
// operation and user (M-47).
func TestMountStatsCountByOperationAndUser(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Denied = func(*Denial) {} })
	w.file("plan", "the plan\n", "O:"+user(alice)+"G:SYD:(A;;FA;;;"+user(alice)+")")
	held := w.talkTo(as(alice, "/bin/sh", "-c", "exec 3<"+w.at+"/plan; echo open; read x"))
	w.readLine(held, "open")
	for range 3 {
		_ = as(bob, "/bin/cat", w.at+"/plan").Run() // denied
	}
	_ = as(bob, "/bin/cat", w.at+"/missing").Run() // an error, but no denial
	s := w.m.Stats()
	w.must(held.in.Close())
	_ = held.cmd.Wait()
	of := map[string]OperationStats{}
	requests, durations := uint64(0), uint64(0)
	for _, o := range s.Operations {
		of[o.Name] = o
		requests += o.Done
	}
	for _, n := range s.Latency {
		durations += n
	}
	if o := of["OPEN"]; o.Done != 4 || o.Denied != 3 || o.Took <= 0 || of["LOOKUP"].Denied != 0 || requests != durations {
		t.Errorf("M-47: %+v, %d requests, %d durations", s.Operations, requests, durations)
	}
	if len(s.Open) != 1 || s.Open[0] != (UserCount{UID: alice, Count: 1}) || len(s.Denied) != 1 ||
		s.Denied[0] != (UserCount{UID: bob, Count: 3}) {
		t.Errorf("M-47: open %+v, denied %+v", s.Open, s.Denied)
	}
	if _, err := os.Stat(w.at); err != nil {
		t.Error(err)
	}
}

// TestStatsAreBounded checks that the list of users is short with one sum for the rest, and that an operation without
// a name and a duration beyond the last bucket are counted (M-47).
func TestStatsAreBounded(t *testing.T) {
	of := map[uint32]uint64{othersUID: 5, 2000: 999}
	for uid := range uint32(1000) {
		of[uid] = uint64(uid)
	}
	list := most(of)
	if len(list) != mostUsers+1 || list[0] != (UserCount{UID: 999, Count: 999}) ||
		list[1] != (UserCount{UID: 2000, Count: 999}) ||
		list[mostUsers] != (UserCount{Others: true, Count: 5 + 980*981/2}) {
		t.Errorf("M-47: %+v", list)
	}
	m := &Mount{}
	m.counts.add(12, 3, true)
	m.counts.add(45, 4, true)
	check.SlicesEqual(t, m.Stats().Operations, []OperationStats{{"RENAME", 2, 2, 7}}, "M-47: two operations of one name")
	var c counts
	c.add(4096, -1, true)
	c.add(14, time.Hour, false)
	c.add(14, LatencyBuckets[0], false)
	if c.done[0].Load() != 1 || c.denied[0].Load() != 1 || c.nanos[0].Load() != 0 || operationName(0) != "OTHER" ||
		c.latency[len(LatencyBuckets)].Load() != 1 || c.latency[0].Load() != 2 {
		t.Errorf("M-47: %d, %d", c.latency[0].Load(), c.latency[len(LatencyBuckets)].Load())
	}
}

package mount

import (
	"cmp"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// operationNames are the operations of FUSE that a user's rights decide, by number (fuse(4), <linux/fuse.h>).
var operationNames = map[uint32]string{1: "LOOKUP", 3: "GETATTR", 4: "SETATTR", 5: "READLINK", 6: "SYMLINK", 8: "MKNOD",
	9: "MKDIR", 10: "UNLINK", 11: "RMDIR", 12: "RENAME", 13: "LINK", 14: "OPEN", 15: "READ", 16: "WRITE", 17: "STATFS",
	21: "SETXATTR", 22: "GETXATTR", 23: "LISTXATTR", 24: "REMOVEXATTR", 27: "OPENDIR", 28: "READDIR", 34: "ACCESS",
	35: "CREATE", 45: "RENAME", 51: "TMPFILE"}

// operationName returns the name of an operation, "OTHER" for one without.
func operationName(opcode uint32) string { return cmp.Or(operationNames[opcode], "OTHER") }

// LatencyBuckets are the inclusive upper bounds of [Stats.Latency]. Its last bucket has no bound.
var LatencyBuckets = [...]time.Duration{50 * time.Microsecond, 200 * time.Microsecond, time.Millisecond,
	5 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2500 * time.Millisecond}

// maxOpcode bounds the operations that are counted one by one; larger numbers are counted as the number 0.
const maxOpcode = 64

// counts counts the requests that were decided for a user. The zero value is empty. It is safe for concurrent use.
type counts struct {
	done, denied, nanos [maxOpcode]atomic.Uint64
	latency             [len(LatencyBuckets) + 1]atomic.Uint64
}

// add counts a request: its operation, its duration and whether it was denied. A negative duration counts as 0 in the
// total. An unknown operation counts as number 0.
func (c *counts) add(opcode uint32, took time.Duration, denied bool) {
	if opcode >= maxOpcode {
		opcode = 0
	}
	c.done[opcode].Add(1)
	c.nanos[opcode].Add(uint64(max(took, 0)))
	if denied {
		c.denied[opcode].Add(1)
	}
	i, _ := slices.BinarySearch(LatencyBuckets[:], took)
	c.latency[i].Add(1)
}

// OperationStats are the counters of one operation.
type OperationStats struct {
	Name         string
	Done, Denied uint64        // requests, and those of them that were denied
	Took         time.Duration // total time of the requests
}

// UserCount is a number of one user. If Others is set, it is the sum of all users who are not listed, and UID is 0.
type UserCount struct {
	UID    uint32
	Others bool
	Count  uint64
}

// Stats are the counters of a mount since its start. Only requests by name, which a user's rights decide, are counted:
// reads and writes through an open handle are not. The zero value is that of a mount that has served none.
type Stats struct {
	Operations []OperationStats                // that were requested, sorted by name
	Latency    [len(LatencyBuckets) + 1]uint64 // requests by duration
	Open       []UserCount                     // open files, of the 20 users with the most, then of all others
	Denied     []UserCount                     // denials, of the 20 users with the most, then of all others
}

// mostUsers bounds the users in a list of [Stats].
const mostUsers = 20

// Stats returns the current counters since the mount's start. It resets nothing. It visits every open file. The
// counters are read one after another, so they need not match each other exactly. The caller owns the result.
func (m *Mount) Stats() (s Stats) {
	byName := map[string]*OperationStats{}
	for op := range m.counts.done {
		n := m.counts.done[op].Load()
		if n == 0 {
			continue
		}
		name := operationName(uint32(op))
		if byName[name] == nil {
			byName[name] = &OperationStats{Name: name}
		}
		o := byName[name]
		o.Done += n
		o.Denied += m.counts.denied[op].Load()
		o.Took += time.Duration(m.counts.nanos[op].Load())
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s.Operations = append(s.Operations, *byName[name])
	}
	for i := range s.Latency {
		s.Latency[i] = m.counts.latency[i].Load()
	}
	open, denied := map[uint32]uint64{}, map[uint32]uint64{}
	m.mu.Lock()
	for _, o := range m.opens {
		open[o.uid]++
	}
	m.mu.Unlock()
	m.denials.mu.Lock()
	for uid, u := range m.denials.users {
		denied[uid] = u.total
	}
	m.denials.mu.Unlock()
	s.Open, s.Denied = most(open), most(denied)
	return s
}

// most returns the users to report in the statistics: the mostUsers users with the largest numbers, the largest first.
// If the other users have a sum above 0, a last element with Others has it. An empty map gives nil.
func most(of map[uint32]uint64) (list []UserCount) {
	others := UserCount{Others: true}
	for uid, n := range of {
		if uid == othersUID {
			others.Count += n
			continue
		}
		list = append(list, UserCount{UID: uid, Count: n})
	}
	slices.SortFunc(list, func(a, b UserCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.UID, b.UID))
	})
	// The number of users is bounded, so that a host with many users has few labels (M-47).
	for _, u := range list[min(mostUsers, len(list)):] {
		others.Count += u.Count
	}
	list = list[:min(mostUsers, len(list))]
	if others.Count > 0 {
		list = append(list, others)
	}
	return list
}

package index

import (
	"slices"
	"strings"
	"time"
)

// SourceStatus is the last heartbeat of a source. The zero value means that the source sent none.
type SourceStatus struct {
	Source   string        `json:"source"` // the path of a tree, or "directory"
	Time     time.Time     `json:"time"`   // zero: none was received
	Age      time.Duration `json:"age"`
	Withheld string        `json:"withheld,omitempty"` // why queries about this source fail; "" if they succeed
}

// Heartbeats returns the last heartbeat of each source, sorted by name: the directory, each tree that sent one, and
// each tree with documents. A source without a heartbeat has the zero Time. It returns an error if the index cannot be
// read or had no heartbeat yet, so that every query fails.
func (x *Index) Heartbeats() ([]SourceStatus, error) { return x.HeartbeatsWithin(0) }

// HeartbeatsWithin returns the last heartbeat of each source, as [Index.Heartbeats] does. limit decides which ones
// are too old; 0 means the limit of the index. They are sorted by source. A source without one has a zero Time and is
// withheld.
func (x *Index) HeartbeatsWithin(limit time.Duration) ([]SourceStatus, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	watermark, err := x.follow()
	if err != nil {
		return nil, err
	}
	g := age{watermark, x.within(Query{Limit: limit}), x.clock(), x.boot}
	var out []SourceStatus
	for source := range x.sources(watermark) {
		h := SourceStatus{Source: source, Time: watermark.Sources[source].Time, Withheld: g.stale(source)}
		if !h.Time.IsZero() {
			h.Age = g.present.Time.Sub(h.Time)
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b SourceStatus) int { return strings.Compare(a.Source, b.Source) })
	return out, nil
}

// sources returns the sources of the whole index: the directory, each source in the watermark and each tree with
// documents, which may have sent no heartbeat since the start of the run (N-9). The caller owns the result.
//
// +checklocks:x.mu
func (x *Index) sources(f *Watermark) map[string]bool {
	out := map[string]bool{directorySource: true}
	for source := range f.Sources {
		out[source] = true
	}
	for tree := range x.state.trees {
		out[tree] = true
	}
	return out
}

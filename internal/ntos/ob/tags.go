//go:build !invariants

package ob

// tagCounts has no size and no cost in ordinary builds.
type tagCounts struct{}

// add does nothing in ordinary builds, which do not count references by holder.
func (*tagCounts) add(Tag, int64) {}

// holders yields nothing in ordinary builds.
func (*tagCounts) holders(yield func(Tag, int64)) {}

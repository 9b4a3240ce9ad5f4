//go:build !invariants

package ob

// tagCounts has no size and no cost in ordinary builds.
type tagCounts struct{}

func (*tagCounts) add(Tag, int64)                 {}
func (*tagCounts) holders(yield func(Tag, int64)) {}

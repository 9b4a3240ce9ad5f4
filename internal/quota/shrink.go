package quota

import "maps"

// Shrunk frees memory after deletions from a map, because Go maps never shrink. It returns m, or a smaller copy if m
// has at most a quarter of *peak entries and *peak is at least 256. Call it after a deletion, with the peak that [Peak]
// maintains. It resets *peak when it copies.
func Shrunk[K comparable, V any](m map[K]V, peak *int) map[K]V {
	const small = 256 // entries that are not worth a copy
	if *peak < small || len(m) > *peak/4 {
		return m
	}
	*peak = len(m)
	return maps.Collect(maps.All(m))
}

// Peak maintains the largest length of a map for [Shrunk]: it raises *peak to n, the length after an insertion.
func Peak(peak *int, n int) { *peak = max(*peak, n) }

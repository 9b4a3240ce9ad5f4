package quota

import "maps"

// Shrunk returns m, or a smaller copy if m has at most a quarter of *peak entries and *peak is at least 256. Go maps
// never release memory. Call it after a deletion, with the peak that [Peak] maintains. It resets *peak when it
// copies.
func Shrunk[K comparable, V any](m map[K]V, peak *int) map[K]V {
	const small = 256 // entries that are not worth a copy
	if *peak < small || len(m) > *peak/4 {
		return m
	}
	*peak = len(m)
	return maps.Collect(maps.All(m))
}

// Peak raises *peak to n, the length of a map after an insertion.
func Peak(peak *int, n int) { *peak = max(*peak, n) }

package beneath

import (
	"io/fs"
	"slices"
	"strings"
)

// sortByName sorts a listing as [io/fs.ReadDir] does.
func sortByName(list []fs.DirEntry) {
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
}

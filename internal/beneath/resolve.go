package beneath

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Resolve returns the absolute path of a file, without links in its directories. It does not follow a link at the end.
// As for the kernel, link/.. is the directory above the link's target, which [filepath.Clean] would not find. If a
// directory is missing or cannot be read, Resolve returns [filepath.Abs] of the path, and an error if the path has an
// element "..". Windows itself cleans a path before it follows links.
func Resolve(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if filepath.Separator == '\\' {
		path = whole
	} else if !filepath.IsAbs(path) {
		home, err := os.Getwd()
		if err != nil {
			return "", err
		}
		path = home + "/" + path
	}
	dir, last := filepath.Split(strings.TrimRight(path, "/"))
	above, err := filepath.EvalSymlinks(dir)
	switch {
	case dir == "", err != nil && !slices.Contains(strings.Split(path, "/"), ".."):
		return whole, nil
	case err != nil:
		return "", err
	}
	return filepath.Join(above, last), nil
}

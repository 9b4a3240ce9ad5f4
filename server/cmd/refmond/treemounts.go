package main

import (
	"fmt"
	"path/filepath"
	"strings"
)

// mountPoint is a directory where a tree is mounted.
type mountPoint struct {
	tree, dir string
	places    places
}

// checkCover returns an error if a mount on m would cover a mount of an earlier tree, which is mounted first, or a
// file, folder or socket that refmond itself uses by its name.
func (c *config) checkCover(m *mountPoint, earlier []mountPoint) error {
	for _, other := range earlier {
		if other.tree != m.tree && m.places.contain(other.places) {
			return fmt.Errorf("%q would cover the mount of %s at %s: want another directory", m.dir, other.tree, other.dir)
		}
	}
	return c.checkOutside(m.dir, "would cover")
}

// checkOutside returns an error if a clean directory contains a file, folder or socket that refmond itself uses, or a
// symbolic link on the way to it. The error joins the directory and that file with the words of verb.
func (c *config) checkOutside(dir, verb string) error {
	for _, p := range c.trusted() {
		if p.path == "" || strings.HasPrefix(p.path, "@") {
			continue
		}
		path, err := filepath.Abs(p.path)
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
		if contains(dir, path) {
			return fmt.Errorf("%q %s the %s %s: want another directory", dir, verb, p.what, p.path)
		}
	}
	return nil
}

// coverError is the error of a mount point above the tree: the mount would hide the other files there (M-39).
func coverError(dir, path string) error {
	return fmt.Errorf("%q would cover all files in it, not only the tree at %s: want the tree itself or a directory that "+
		"does not contain it", dir, path)
}

// mountKey returns the first key of s that only a mount uses and that differs from its default, or "".
func (s *treeSettings) mountKey() string {
	switch {
	case s.HideUnreadable:
		return "hideUnreadable"
	case s.FollowLinks:
		return "followLinks"
	case s.Mode != "" && s.Mode != "narrow": // narrow is the default
		return "mode"
	case s.ListDescriptors:
		return "listDescriptors"
	}
	return ""
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// listed returns the object of --objects with the path in c.Object, and its folder if present (B-103). dir may be
// nil. These are errors:
//   - no object or several with the path
//   - an object that is not a file or directory
//   - a malformed descriptor
//   - --parent, --links or --type
func (c *privateCmd) listed(std *streams, domain sid.SID, dir *directory.Directory) (h privateObject, err error) {
	if len(c.Parent) > 0 || c.Links > 0 || c.Type != "file" {
		return h, errors.New("--parent, --links and --type are about SDDL: with --objects the rows have the folder and types")
	}
	in, err := (&objectsFlags{Objects: c.Objects, naming: dir}).open(std, nil)
	if err != nil {
		return h, err
	}
	defer func() { _ = in.close() }() // only read
	name := objects.NewName(c.Object, dir)
	var folder *objects.Name
	if above := strings.TrimRight(name.Text, `\/`); strings.ContainsAny(above, `\/`) {
		folder = objects.NewName(above[:strings.LastIndexAny(above, `\/`)], dir)
	}
	var found, parent objects.Item
	err = objects.All(context.Background(), in.source, domain, winnt.FileObject, func(i objects.Item) bool {
		switch {
		case name.Is(i.Path, i.Entry):
			found = i
		case folder != nil && folder.Is(i.Path, i.Entry):
			parent = i
		}
		return true
	})
	switch n := name.Found(); {
	case err != nil:
		return h, err
	case n == 0:
		return h, name.NotFound()
	case n > 1 || folder != nil && folder.Found() > 1:
		return h, fmt.Errorf("%q: %w", c.Object, objects.ErrAmbiguous)
	case found.Err != nil || parent.Err != nil:
		return h, errors.Join(found.Err, parent.Err)
	case found.Type != winnt.FileObject && found.Type != winnt.DirectoryFileObject:
		return h, fmt.Errorf("%q is not a file or directory, and private is about these", c.Object)
	}
	h.object, h.directory = found.Descriptor, found.Type == winnt.DirectoryFileObject
	if parent.Descriptor != nil {
		h.parents = append(h.parents, parent.Descriptor)
	}
	return h, nil
}

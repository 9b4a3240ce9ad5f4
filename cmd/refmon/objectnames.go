package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
)

// named prepares the source s of an objects file: it gives it the directory for names of accounts. It warns on
// standard error about data that the file's form does not have, and about a domain that it assumes to be the
// directory's.
func (c *objectsFlags) named(std *streams, s objects.Source) {
	objects.UseNames(s, objects.NewLookup(c.naming, func(domain string) { // (U-110)
		fmt.Fprintf(std.err, "refmon: %s in %s is taken for the directory's domain, which the directory does not name\n",
			inLine(strings.ToUpper(domain)), inLine(c.Objects))
	}))
	if text := objects.Loss(s); text != "" { // print once here; each row has a note too (B-60)
		fmt.Fprintf(std.err, "refmon: %s: %s\n", inLine(c.Objects), printable(text))
	}
}

// missing returns an error for the first object name on the command line that no object has, or nil. Call it after
// all objects were read.
func (c *choiceFlags) missing() error {
	for _, n := range c.names {
		if n.Found() == 0 {
			return n.NotFound()
		}
	}
	return nil
}

// onlyDCSync reports whether the question is about DCSync alone, which only the head of a domain can answer (B-92).
func (c *choiceFlags) onlyDCSync() bool {
	return len(c.rights) > 0 &&
		!slices.ContainsFunc(c.rights, func(r words.Right) bool { return r.Name != "DCSync" })
}

// none explains why a run had no objects: a name that was not found, or no domain head for DCSync. A name that was
// not found comes first. It returns nil if the input has no objects at all.
func (c *choiceFlags) none() error {
	switch err := c.missing(); {
	case err != nil:
		return err
	case c.onlyDCSync() && len(c.names) > 0:
		return errors.New("no named object is the head of a domain, such as DC=corp,DC=test, and DCSync is a right on that")
	case c.onlyDCSync():
		return errors.New("the export has no domain head, such as DC=corp,DC=test, so DCSync cannot be answered")
	}
	return nil
}

// Package search shows how the connector of a search engine uses refmon: it passes the security descriptor of a file
// as bytes and gets the principals that may read the file. The engine stores them with the document and compares them
// with the user who searches.
//
//	idx, err := search.New(tokens)
//	who, err := idx.Readers(descriptor)
//
// An [Index] belongs to one goroutine. Create one for each.
package search

import (
	"fmt"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Principal is a user of the search engine: a name and the token that a logon would give, including groups. The zero
// value has no token.
type Principal struct {
	Name  string
	Token *token.Token
}

// Index knows the principals. It is owned by one goroutine.
type Index struct {
	names []string
	read  *effective.Evaluator
}

// New returns an index of the principals that have FILE_READ_DATA, the right to read a document's contents. It keeps
// the tokens. It returns an error if the question cannot be evaluated.
func New(who []Principal) (*Index, error) {
	idx := &Index{}
	var tokens []*token.Token
	for _, p := range who {
		idx.names = append(idx.names, p.Name)
		tokens = append(tokens, p.Token)
	}
	var err error
	idx.read, err = effective.NewEvaluator(effective.Compile(tokens, effective.Config{}), effective.Question{
		Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_READ_DATA},
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return idx, nil
}

// Readers returns the names of the principals that may read a file. A descriptor that cannot be decoded is an error,
// never an empty list or everybody: leave such a file out of the index, and report it.
func (idx *Index) Readers(descriptor []byte) ([]string, error) {
	d, err := sd.Decode(descriptor)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	var names []string
	for i := range idx.read.Allowed(d)[0].All() {
		names = append(names, idx.names[i])
	}
	return names, nil
}

package bulk

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/winnt"
)

// evaluator returns the evaluator for some principals and an object type, and the rights that the share grants to each
// principal. It creates both on first use. The rights are nil without a share.
func (c *comparer) evaluator(
	p *effective.Principals, typ *winnt.ObjectType,
) (*effective.Evaluator, []winnt.AccessMask, error) {
	s := side{p, typ}
	if e := c.evaluators[s]; e != nil {
		return e, c.gates[s], nil
	}
	e, err := effective.NewEvaluator(p, effective.Question{Type: typ, Rights: []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}})
	if err != nil {
		return nil, nil, err
	}
	if c.d.Share != nil {
		c.gates[s] = slices.Clone(e.Maximum(c.d.Share))
	}
	c.evaluators[s] = e
	return e, c.gates[s], nil
}

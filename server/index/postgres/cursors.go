package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/refmon/refmon/server/index"
)

// Cursor returns the cursor of a part. A part that was never stored has the zero value and no rows.
func (s *Store) Cursor(p index.StoredPart) (c index.Cursor, err error) {
	err = s.transact(func(tx pgx.Tx) error {
		var message, generation, seq int64
		err := tx.QueryRow(s.ctx, `select message, id, generation, seq from refmon.cursors where part = $1`, p.Name).Scan(
			&message, &c.ID, &generation, &seq)
		c.Message, c.Generation, c.Seq = uint64(message), uint64(generation), uint64(seq)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err == nil {
		s.confirmed[p.Name] = c
	}
	return c, err
}

// errOlder says that the database has an older state than it has confirmed.
var errOlder = errors.New("the database lost transactions that it had confirmed, as a promoted standby may: start " +
	"again, which reads the lost rows again")

// checkConfirmed returns errOlder if the database has neither the cursors that it has confirmed nor those in doubt. A
// standby that was promoted may lack the last transactions, and nothing would write their rows again (N-130). Call it
// after a reconnection.
func (s *Store) checkConfirmed() error {
	stored := map[string]index.Cursor{}
	err := s.inTransaction(func(tx pgx.Tx) error {
		rows, err := tx.Query(s.ctx, `select part, message, id, generation, seq from refmon.cursors`)
		if err != nil {
			return err
		}
		var part, id string
		var message, generation, seq int64
		_, err = pgx.ForEachRow(rows, []any{&part, &message, &id, &generation, &seq}, func() error {
			stored[part] = index.Cursor{Message: uint64(message), ID: id, Generation: uint64(generation), Seq: uint64(seq)}
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	for part, c := range s.confirmed {
		if doubt, ok := s.doubt[part]; stored[part] != c && !(ok && stored[part] == doubt) {
			return fmt.Errorf("%s: %w", part, errOlder)
		}
	}
	return nil
}

// move runs a transaction that sets the cursor of a part to c.
func (s *Store) move(p index.StoredPart, c index.Cursor, f func(tx pgx.Tx) error) error {
	s.doubt[p.Name] = c
	err := s.transact(f)
	delete(s.doubt, p.Name)
	if err == nil {
		s.confirmed[p.Name] = c
	}
	return err
}

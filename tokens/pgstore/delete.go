package pgstore

import (
	"context"
	"fmt"
	"time"
)

const (
	// minAge spares logins that are in use: an access token lives for a day at most, and each
	// refresh writes its login.
	minAge = 48 * time.Hour
	// deletePage is how many rows one statement looks at.
	deletePage = 1000
)

// deleteOld looks at the rows that follow a key, in the order of their keys, and deletes the old
// ones among them. It skips what others are writing. It has no index to use but the primary key's:
// one on updated_at would have to be changed with every refresh.
const deleteOld = `WITH page AS (SELECT key FROM %[1]s WHERE key > $1 ORDER BY key LIMIT %[2]d),
	old AS (SELECT t.key FROM %[1]s t JOIN page ON page.key = t.key
		WHERE t.updated_at < CURRENT_TIMESTAMP - pg_catalog.make_interval(secs => $2) FOR UPDATE OF t SKIP LOCKED),
	gone AS (DELETE FROM %[1]s t USING old WHERE t.key = old.key RETURNING 1)
	SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM gone), coalesce((SELECT key FROM page ORDER BY key DESC LIMIT 1), '')`

// DeleteOlderThan deletes the logins whose last write is older than age, by the server's clock. It
// returns how many it deleted. An age below 48 hours is an error. The Store never deletes old
// logins by itself, so call this method yourself, such as once a day in one process.
//
// Each refresh writes a login, so a login in use is written about once an hour. But an old login
// may still work: a user who was away for months may have a valid refresh token. After
// DeleteOlderThan, that user must log in again. So set age to the longest absence after which a
// user should still be logged in: months rather than weeks.
//
// If [Store.Migrate] updated a table of an older version, the age of its rows counts from that
// call. Older versions of this package do not write the time when they refresh a login. So first
// run this version everywhere for as long as age, and only then call DeleteOlderThan.
//
// Each statement looks at 1000 rows and is its own transaction. If a statement fails, the rows that
// earlier statements deleted stay deleted, and deleted counts them.
func (s *Store) DeleteOlderThan(ctx context.Context, age time.Duration) (deleted int64, err error) {
	if age < minAge {
		return 0, fmt.Errorf("pgstore: delete: the age %v is below %v, which could delete logins that are in use", age, minAge)
	}
	query := fmt.Sprintf(deleteOld, s.table, deletePage)
	for last, seen := []byte{}, int64(deletePage); seen == deletePage; {
		var n int64
		err := ctx.Err()
		if err == nil {
			after := last
			err = s.repeated(ctx, func() error {
				return s.db.QueryRowContext(ctx, query, after, age.Seconds()).Scan(&seen, &n, &last)
			})
		}
		if err != nil {
			return deleted, fmt.Errorf("pgstore: delete: %w", explained(err))
		}
		deleted += n
	}
	return deleted, nil
}

import time
from tests.intake.ledgers import *
from shared.tables import transitions
from shared.db import values
N=2000
async def test_x(bring_in, owner, street, processes):
    await bring_in(as_csv([FULL|{"number":f"P-{n}"} for n in range(N)]))
    db=processes("routing").database
    async with db.transaction([street.id]) as tx:
        rows=[dict(r) for r in await tx.raw.fetch("select * from transitions where street_id=$1 order by ticket_id, seq",street.id)]
    cols=tuple(rows[0]); print(len(rows), len(cols))
    for r in rows: r["seq"]+=100
    base=f"INSERT INTO transitions ({', '.join(cols)}) VALUES "
    for k in (1,10,50,200,1000):
        vals=values(transitions, cols, rows)
        for warm in range(2):
            t=time.perf_counter(); c=time.process_time()
            async with db.transaction([street.id]) as tx:
                if k==1:
                    await tx.insert_many(transitions, rows)
                else:
                    n=len(cols)
                    sql=base+", ".join("("+", ".join(f"${i*n+j+1}" for j in range(n))+")" for i in range(k))
                    full=len(vals)//k*k
                    args=[tuple(x for v in vals[s:s+k] for x in v) for s in range(0,full,k)]
                    await tx.raw.executemany(sql,args)
                await tx.raw.execute("ROLLBACK; BEGIN")
            print(k, f"{(time.perf_counter()-t)/len(rows)*1e6:.1f} us/row wall, {(time.process_time()-c)/len(rows)*1e6:.1f} cpu")
    # pieces
    from services.metrics.book import book
    assert 0

export interface CephPlan {
  readonly folder: string;
  readonly cluster: string;
  /** Of the S3 gateway. */
  readonly port: number;
  readonly monitor: number;
}

/**
 * Everything in one folder, on loopback, without authentication between the parts. Without `paxos …` a start takes eleven
 * seconds instead of one; with `osd crush update on start` the object store sometimes dies at its start; without
 * `tcp_nodelay` every answer takes 40 ms more.
 */
export function cephConf({ folder, cluster, port, monitor }: CephPlan): string {
  return `[global]
fsid = ${cluster}
mon host = v1:127.0.0.1:${monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = ${folder}/run
admin socket = ${folder}/run/$name.$pid.asok
pid file = ${folder}/run/$name.cephpid
log file = ${folder}/log/$name.log
crash dir = ${folder}/log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
osd class update on start = false
mon allow pool size one = true
mon max pg per osd = 10000
mon data = ${folder}/mon
mon initial members = a
paxos propose interval = 0.01
paxos min wait = 0.01
mon cluster log file = ${folder}/log/cluster.log
osd data = ${folder}/osd
osd journal = ${folder}/osd/journal
osd objectstore = memstore
memstore device bytes = 4294967296
osd class load list = *
osd class default list = *
rgw rados pool pg num min = 4
rgw data = ${folder}/run
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
`;
}

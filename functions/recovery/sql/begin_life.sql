-- Lives are counted upwards only. The one that begins lacks events that were counted in the last.
UPDATE ops.epoch SET epoch = %(epoch)s, recounting = true WHERE epoch < %(epoch)s
